//! Tenants, customers, users, and their logins.

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    ids::{CustomerId, SessionId, TenantId, UserId},
    ports::{Profile, StoreError},
    time::Timestamp,
};

/// Keeps who may sign in.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Adds a tenant with its default profile.
    ///
    /// # Errors
    /// [`AccountsError`].
    async fn add_tenant(&self, tenant: Tenant, default_profile: Profile) -> Result<(), AccountsError>;

    /// Adds a customer.
    ///
    /// # Errors
    /// [`AccountsError::TitleTaken`] if the tenant has a customer of that title.
    async fn add_customer(&self, customer: Customer) -> Result<(), AccountsError>;

    /// Adds a user.
    ///
    /// # Errors
    /// [`AccountsError::EmailTaken`] if there is a user of that e-mail, in whatever case it is written.
    async fn add_user(&self, user: User, credentials: UserCredentials) -> Result<(), AccountsError>;

    /// The customer of that id, whatever its tenant.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError>;

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

    /// Whether anybody can sign in at all.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn is_empty(&self) -> Result<bool, StoreError>;
}

/// What a person may do in principle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authority {
    /// Runs the platform; touches no devices.
    SysAdmin,
    /// Everything inside one tenant.
    TenantAdmin,
    /// A customer's devices, and claiming.
    CustomerUser,
    /// Reads a tenant's history, and nothing else.
    Auditor,
}

impl Authority {
    /// The word in tokens, on the wire and in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SysAdmin => "SYS_ADMIN",
            Self::TenantAdmin => "TENANT_ADMIN",
            Self::CustomerUser => "CUSTOMER_USER",
            Self::Auditor => "AUDITOR",
        }
    }

    /// The authority of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::SysAdmin, Self::TenantAdmin, Self::CustomerUser, Self::Auditor]
            .into_iter()
            .find(|authority| authority.as_str() == word)
    }
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

/// A manufacturer or integrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The tenant.
    pub id: TenantId,
    /// Its name.
    pub title: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// An organisation or household that can own devices.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// The customer.
    pub id: CustomerId,
    /// Whose customer it is.
    pub tenant_id: TenantId,
    /// Unique among the tenant's customers.
    pub title: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// One more for each save.
    pub version: u32,
    /// Whatever clients keep there.
    pub additional_info: Option<Value>,
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

/// Why an account was not added.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccountsError {
    /// There is a user of that e-mail.
    #[error("a user with this e-mail exists")]
    EmailTaken,
    /// The tenant has a customer of that title.
    #[error("a customer with this title exists")]
    TitleTaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
