//! Logins without an account: everybody may speak for a tenant's public customer.

use async_trait::async_trait;
use uuid::uuid;

use super::Principal;
use crate::{
    ids::{CustomerId, SessionId, UserId},
    ports::StoreError,
    time::Timestamp,
};

/// Nobody in particular: who signs in for the public customer. The id that stands for none.
pub const PUBLIC_USER: UserId = UserId(uuid!("13814000-1dd2-11b2-8080-808080808080"));

/// Keeps public logins. They are those of [`PUBLIC_USER`]; for which customer, its token says.
#[async_trait]
pub trait PublicLogins: Send + Sync {
    /// Records a public login. Its tokens are good until it ends or expires; as the login of [`PUBLIC_USER`], it is
    /// extended and closed like every other.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be recorded.
    async fn open_public_session(&self, id: SessionId, expires_at: Timestamp) -> Result<(), StoreError>;

    /// Who a token of that login for that customer speaks for; `None` if the login has ended, or the customer is gone,
    /// not public, or being deleted.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn public_principal(
        &self,
        session: SessionId,
        customer_id: CustomerId,
    ) -> Result<Option<Principal>, StoreError>;
}

impl Principal {
    /// Whether nobody in particular has signed in: reads what is the public customer's, and does nothing else.
    pub fn is_public(&self) -> bool {
        self.user_id == PUBLIC_USER
    }
}
