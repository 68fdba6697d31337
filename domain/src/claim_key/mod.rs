//! The secret that makes a customer the owner: never printed, never stored in clear.

mod digest;
mod generated;
mod policy;

use std::fmt;

use zeroize::Zeroizing;

pub use digest::{InvalidDigest, KeyDigest, PepperId, PresentedKey};
pub use generated::{ALPHABET, GeneratedKey, KEY_ENTROPY_BYTES};
pub use policy::{KeyPolicy, WeakKey};

/// A claim key in clear: on its way from a request to its digest, and wiped from memory after that.
///
/// It has no `Display`, no serde form, and a `Debug` that shows nothing.
#[derive(Clone)]
pub struct ClaimKey(Zeroizing<String>);

impl ClaimKey {
    /// Takes the text as it was presented; the empty text is the empty key.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Whether this is the empty key, with which a device without a display lets anybody near it claim.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The secret text, for a digest or for the one answer that shows a key that was made. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClaimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_key() {
        assert_eq!(format!("{:?}", ClaimKey::new("S3CR3T")), "ClaimKey(***)");
    }
}
