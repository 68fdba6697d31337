//! People who sign in, and what they sign in with.

use async_trait::async_trait;
use serde_json::Value;

use super::{AccountsError, Authority};
use crate::{
    ids::{CustomerId, TenantId, UserId},
    ports::StoreError,
    time::Timestamp,
};

/// Keeps users.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds a user.
    ///
    /// # Errors
    /// [`AccountsError::EmailTaken`] if there is a user of that e-mail, in whatever case it is written.
    async fn add_user(&self, user: User, credentials: UserCredentials) -> Result<(), AccountsError>;

    /// The user of that id, whatever the tenant.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user of that e-mail, in whatever case it is written, and what the password is checked against.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn user_by_email(&self, email: &str) -> Result<Option<(User, UserCredentials)>, StoreError>;

    /// Gives the user another password, by its hash in PHC format, and ends all of the user's logins. `false` if there is
    /// no such user.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    async fn set_password(&self, user_id: UserId, password_hash: String) -> Result<bool, StoreError>;

    /// Whether anybody can sign in at all.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn is_empty(&self) -> Result<bool, StoreError>;
}

/// A person.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The person.
    pub id: UserId,
    /// The tenant; `None` for the platform's operators.
    pub tenant_id: Option<TenantId>,
    /// The customer of a customer's user.
    pub customer_id: Option<CustomerId>,
    /// What the person may do.
    pub authority: Authority,
    /// What the person signs in with, as it was written.
    pub email: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// When the person was added.
    pub created_at: Timestamp,
    /// One more for each save.
    pub version: u32,
    /// Whatever clients keep there.
    pub additional_info: Option<Value>,
}

/// How a person signs in. Shows nothing of the hash in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCredentials {
    /// The password's hash in PHC format; `None` until the account is activated.
    pub password_hash: Option<String>,
    /// Whether the person may sign in.
    pub enabled: bool,
}

impl std::fmt::Debug for UserCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserCredentials").field("enabled", &self.enabled).finish_non_exhaustive()
    }
}
