//! What is stored of a text that nobody can guess.

use deed_domain::ports::ApiKeyValue;
use sha2::{Digest, Sha256};

/// The SHA-256 of an API key's value. A plain digest will do: the value is made of so many random bytes that it cannot be
/// found from it.
pub(crate) fn value_digest(value: &ApiKeyValue) -> [u8; 32] {
    Sha256::digest(value.expose().as_bytes()).into()
}
