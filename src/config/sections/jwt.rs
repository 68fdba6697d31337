//! `security.jwt`: the tokens with which people stay signed in.

use crate::config::{
    kind::{Optional, Text, Whole},
    secret::{Base64Secret, Secret},
    setting::section,
};

/// RFC 7518: a key for HMAC with SHA-512 has at least as many bits as the hash.
const LEAST_KEY_BYTES: usize = 64;

section! {
    /// Sign-in tokens
    pub(crate) struct JwtSettings {
        /// Life of an access token, in seconds.
        token_expiration_s: i64 = Whole::seconds() => {
            key: "security.jwt.tokenExpirationTime",
            variable: "JWT_TOKEN_EXPIRATION_TIME",
            default: "9000",
        }
        /// Life of a refresh token, in seconds.
        refresh_token_expiration_s: i64 = Whole::seconds() => {
            key: "security.jwt.refreshTokenExpTime",
            variable: "JWT_REFRESH_TOKEN_EXPIRATION_TIME",
            default: "604800",
        }
        /// The issuer that tokens name.
        issuer: String = Text => {
            key: "security.jwt.tokenIssuer",
            variable: "JWT_TOKEN_ISSUER",
            default: "thingsboard.io",
        }
        /// The key that signs tokens, Base64 of at least 64 bytes. Another key ends every login.
        signing_key: Option<Secret> = Optional(Base64Secret { least_bytes: LEAST_KEY_BYTES }) => {
            key: "security.jwt.tokenSigningKey",
            variable: "JWT_TOKEN_SIGNING_KEY",
            default: "" = "made on the first start, in `secrets.yml`",
            secret: true,
        }
    }
}
