//! Digests, password hashes and tokens.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    claim_key::{ClaimKey, PresentedKey},
    ids::{DeviceId, TenantId},
    ports::StoreError,
};

/// Makes keyed digests of claim keys.
pub trait KeyDigester: Send + Sync {
    /// One digest per configured pepper, the current one first, bound to tenant and device.
    fn digest(&self, tenant_id: TenantId, device_id: DeviceId, key: &ClaimKey) -> PresentedKey;
}

/// A password in clear, wiped from memory after use. Shows nothing in `Debug`.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes the text as it was presented.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret text, for a hash. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// Hashes passwords, slowly on purpose, without holding up other requests.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// A hash in PHC format.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it cannot be made.
    async fn hash(&self, password: Password) -> Result<String, StoreError>;

    /// Whether the password is the one that `hash` was made from. `None` stands for a user that does not exist or has
    /// no password: it takes as long, and is false.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it cannot be checked.
    async fn verify(&self, password: Password, hash: Option<String>) -> Result<bool, StoreError>;
}

/// Signs and checks JSON Web Tokens.
pub trait TokenSigner: Send + Sync {
    /// The compact form of a token with these claims.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] if it cannot be made.
    fn sign(&self, claims: &TokenClaims) -> Result<String, TokenError>;

    /// The claims of a token that we signed and that has not expired.
    ///
    /// # Errors
    /// [`TokenError`].
    fn verify(&self, token: &str) -> Result<TokenClaims, TokenError>;
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token of ours.
    #[error("the token is malformed or not ours")]
    Malformed,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
}

/// The claims of an access or a refresh token. Times in whole seconds, as RFC 7519 has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenClaims {
    /// The e-mail.
    pub sub: String,
    /// The user.
    pub user_id: String,
    /// The authority, or `REFRESH_TOKEN`.
    pub scopes: Vec<String>,
    /// The login.
    pub session_id: String,
    /// When it expires.
    pub exp: i64,
    /// Who made it.
    pub iss: String,
    /// When it was made.
    pub iat: i64,
    /// Access tokens: whether the user may sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether it speaks for the public customer.
    #[serde(default)]
    pub is_public: bool,
    /// Access tokens: the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Access tokens: the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// Access tokens: given name, when set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Access tokens: family name, when set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Refresh tokens: unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
}
