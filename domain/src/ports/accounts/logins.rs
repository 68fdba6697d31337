//! Logins: what the tokens of a person hang on.

use async_trait::async_trait;

use super::Authority;
use crate::{
    ids::{ApiKeyId, CustomerId, SessionId, TenantId, UserId},
    ports::StoreError,
    time::Timestamp,
};

/// Keeps logins. A login ends by its row being gone, never by comparing times: what was issued a moment before the end is
/// worth as little as what was issued a week before.
#[async_trait]
pub trait Logins: Send + Sync {
    /// Records a login. Its tokens are good until it ends or expires. `false`, and nothing is recorded, if the user is
    /// gone or disabled, or has another password than the one that was checked. A login with a password is the user's last
    /// one ([`super::Account::last_login`]).
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be recorded.
    async fn open_session(&self, login: NewLogin) -> Result<bool, StoreError>;

    /// Lets a login last longer, never shorter. `false` if that user has no such login: one that has ended does not come
    /// back.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be recorded.
    async fn extend_session(&self, id: SessionId, user_id: UserId, expires_at: Timestamp) -> Result<bool, StoreError>;

    /// Ends a login of that user; no token of it is good any more. Nothing happens if it has ended.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be recorded.
    async fn close_session(&self, id: SessionId, user_id: UserId) -> Result<(), StoreError>;

    /// Who a token of that login speaks for; `None` if the login has ended, or the user or its customer is gone,
    /// disabled, or being deleted.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn principal(&self, session: SessionId, user: UserId) -> Result<Option<Principal>, StoreError>;
}

/// A login to record. Shows nothing of the hash in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct NewLogin {
    /// The login.
    pub id: SessionId,
    /// Whose login it is.
    pub user_id: UserId,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The hash that the password was checked against, so that a password changed in between lets nobody in; `None` for
    /// a login that was granted without a password.
    pub checked_hash: Option<String>,
}

impl std::fmt::Debug for NewLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewLogin").field("id", &self.id).field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// Who a request speaks for, checked against the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The person; [`super::PUBLIC_USER`] if it is nobody in particular.
    pub user_id: UserId,
    /// By what the registry knows that it is this person.
    pub proof: Proof,
    /// What the person may do.
    pub authority: Authority,
    /// The tenant; `None` for the platform's operators.
    pub tenant_id: Option<TenantId>,
    /// The customer of a customer's user.
    pub customer_id: Option<CustomerId>,
}

/// By what somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A token of this login.
    Login(SessionId),
    /// An API key.
    ApiKey(ApiKeyId),
}
