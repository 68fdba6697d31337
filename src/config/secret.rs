//! Secrets in settings: read from Base64, never shown.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_yaml_ng::Value;
use zeroize::Zeroizing;

use super::kind::{Kind, text_of};

/// Secret bytes, wiped from memory after use. Shows nothing in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes.
    pub(crate) const fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as a file has them.
    pub(crate) fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(&*self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Base64 of enough bytes.
pub(crate) struct Base64Secret {
    /// How many are enough.
    pub(crate) least_bytes: usize,
}

impl Kind for Base64Secret {
    type Value = Secret;

    fn name(&self) -> String {
        format!("Base64 of at least {} bytes", self.least_bytes)
    }

    fn parse(&self, value: &Value) -> Result<Secret, String> {
        let must_be = || format!("must be {}", self.name());
        let text = text_of(value).ok_or_else(must_be)?;
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| must_be())?);
        if bytes.len() < self.least_bytes {
            return Err(format!("{}, and has {}", must_be(), bytes.len()));
        }
        Ok(Secret(bytes))
    }

    fn show(&self, _: &Secret) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Base64Secret { least_bytes: 3 }.parse(&"QUJD".into()).unwrap();
        assert_eq!(secret.expose(), b"ABC");
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }
}
