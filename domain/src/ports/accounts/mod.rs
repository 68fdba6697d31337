//! Who may sign in: tenants, customers, users, and their logins. One port each.

mod api_keys;
mod contact;
mod customers;
mod links;
mod logins;
mod public_logins;
mod tenants;
mod users;

pub use api_keys::{ApiKey, ApiKeySort, ApiKeyValue, ApiKeys, KeyRefused};
pub use contact::{AccountSort, Contact, ContactField};
pub use customers::{Customer, CustomerValues, Customers, PUBLIC_CUSTOMER};
pub use links::{LinkPurpose, LinkToken, NewLink, OfferedLink, PendingLink, PersonalLinks};
pub use logins::{Logins, NewLogin, Principal, Proof};
pub use public_logins::{PUBLIC_USER, PublicLogins};
pub use tenants::{Tenant, TenantValues, Tenants};
pub use users::{Account, AccountChange, LastOne, ListedUser, User, UserCredentials, UserSort, Users, UsersOf};

use crate::ports::StoreError;

/// Everything about who may sign in.
pub trait Accounts: Tenants + Customers + Users + Logins + PersonalLinks + PublicLogins + ApiKeys {}

impl<T: Tenants + Customers + Users + Logins + PersonalLinks + PublicLogins + ApiKeys> Accounts for T {}

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

/// Why an account was not added or saved.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccountsError {
    /// There is a user of that e-mail.
    #[error("a user with this e-mail exists")]
    EmailTaken,
    /// The tenant has a customer of that title.
    #[error("a customer with this title exists")]
    TitleTaken,
    /// It is not there, or is being deleted.
    #[error("there is no such account")]
    NotFound,
    /// Somebody else saved it in between.
    #[error("the account was already changed by someone else")]
    VersionConflict,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
