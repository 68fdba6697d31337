//! The secret that makes a customer the owner: never printed, never stored in clear.

mod digest;
mod generated;
mod policy;

use std::fmt;

use serde_json::value::RawValue;
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

    /// The key that this JSON value stands for: a text, or a number or boolean as it is spelt, as `1.50` is another key
    /// than `1.5`; null is the empty key. `None` for lists and objects.
    pub fn from_json(value: &RawValue) -> Option<Self> {
        let text = value.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str::<String>(text).ok().map(Self::new),
            Some(b'{' | b'[') | None => None,
            Some(b'n') => Some(Self::new("")),
            Some(_) => Some(Self::new(text)),
        }
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
    fn a_key_in_json_is_what_is_spelt_there() {
        let key = |json: &str| {
            let value = RawValue::from_string(json.to_owned()).unwrap();
            ClaimKey::from_json(&value).map(|key| key.expose().to_owned())
        };
        for spelt in ["89460000000000000001", "1.50", "1e3", "-0", "true"] {
            assert_eq!(key(spelt).as_deref(), Some(spelt));
            assert_eq!(key(&format!("\"{spelt}\"")).as_deref(), Some(spelt));
        }
        assert_eq!((key("null").as_deref(), key("\"\"").as_deref()), (Some(""), Some("")));
        assert_eq!((key("[]"), key("{}")), (None, None));
    }

    #[test]
    fn debug_shows_nothing_of_the_key() {
        assert_eq!(format!("{:?}", ClaimKey::new("S3CR3T")), "ClaimKey(***)");
    }
}
