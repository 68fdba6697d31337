//! Logins: what the tokens of a person hang on.

use async_trait::async_trait;

use super::Authority;
use crate::{
    ids::{CustomerId, SessionId, TenantId, UserId},
    ports::StoreError,
    time::Timestamp,
};

/// Keeps logins.
#[async_trait]
pub trait Logins: Send + Sync {
    /// Records a login. Its tokens are good until it ends or expires.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be recorded.
    async fn open_session(&self, id: SessionId, user_id: UserId, expires_at: Timestamp) -> Result<(), StoreError>;

    /// Who a token of that login speaks for; `None` if the login has ended, or the user or its customer is gone,
    /// disabled, or being deleted.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn principal(&self, session: SessionId, user: UserId) -> Result<Option<Principal>, StoreError>;
}

/// Who a request speaks for, checked against the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The person.
    pub user_id: UserId,
    /// The login.
    pub session_id: SessionId,
    /// What the person may do.
    pub authority: Authority,
    /// The tenant; `None` for the platform's operators.
    pub tenant_id: Option<TenantId>,
    /// The customer of a customer's user.
    pub customer_id: Option<CustomerId>,
}
