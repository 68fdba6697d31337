//! Digests, password hashes and tokens.
//!
//! | type | port |
//! |---|---|
//! | [`HmacDigester`] | `KeyDigester`: what is stored of a claim key |
//! | [`Argon2Hasher`] | `PasswordHasher` |
//! | [`JwtSigner`] | `TokenSigner` |
//!
//! Nothing here shows a secret: no error, no `Debug` output, no log line.

mod digester;
mod hs512;
mod passwords;
mod tokens;
mod value_digest;

pub use digester::{HmacDigester, MIN_PEPPER_BYTES, Pepper, PepperCheck, PepperError};
pub use passwords::{Argon2Cost, Argon2Hasher, InvalidCost};
pub use tokens::{JwtSigner, MAX_TOKEN_BYTES, MIN_SIGNING_KEY_BYTES, SignerError};
pub(crate) use value_digest::value_digest;
