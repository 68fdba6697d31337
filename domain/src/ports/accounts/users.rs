//! People who sign in, and what they sign in with.

use std::collections::HashMap;

use async_trait::async_trait;
use serde_json::Value;

use super::{AccountsError, Authority};
use crate::{
    ids::{CustomerId, TenantId, UserId},
    ports::{ListPage, PageRequest, StoreError},
    time::Timestamp,
};

/// Keeps users.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds a user.
    ///
    /// # Errors
    /// [`AccountsError::EmailTaken`] if there is a user of that e-mail, in whatever case it is written;
    /// [`AccountsError::NotFound`] if the tenant or the customer is being deleted.
    async fn add_user(&self, user: User, credentials: UserCredentials) -> Result<(), AccountsError>;

    /// The user of that id, whatever the tenant.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The e-mails of those of these users that there are, whatever the tenant.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn emails(&self, ids: &[UserId]) -> Result<HashMap<UserId, String>, StoreError>;

    /// The user of that e-mail, in whatever case it is written, and what the password is checked against.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn user_by_email(&self, email: &str) -> Result<Option<(User, UserCredentials)>, StoreError>;

    /// Gives the user another password, by its hash in PHC format, and ends all of the user's logins, and the link for
    /// another password. `false`, and nothing changes, if there is no such user, or another password than the one that
    /// was checked has been set since: of two who know it, one is first.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    async fn set_password(
        &self,
        user_id: UserId,
        checked_hash: Option<String>,
        password_hash: String,
    ) -> Result<bool, StoreError>;

    /// How it stands with the account of that user; `None` if there is no such user.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// Users, page by page. Auditors stand in no list.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn users(&self, of: UsersOf, page: PageRequest<UserSort>) -> Result<ListPage<ListedUser>, StoreError>;

    /// Saves e-mail, names, telephone number and `additionalInfo` of a user; its version is counted up. Whatever else
    /// `user` says is ignored. With another e-mail, but for the case it is written in, the user's links are good for
    /// nothing: whoever reads what was sent to the old one chooses no password any more.
    ///
    /// # Errors
    /// [`AccountsError::EmailTaken`] if another user has the e-mail, in whatever case it is written;
    /// [`AccountsError::VersionConflict`] if the user has another version than `expected`;
    /// [`AccountsError::NotFound`] if there is no such user.
    async fn save_user(&self, user: User, expected: Option<u32>) -> Result<User, AccountsError>;

    /// Lets a user sign in or not. Whoever may not is out at once: all logins end, and so does a wish for another
    /// password.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    async fn set_enabled(&self, id: UserId, enabled: bool, last: LastOne) -> Result<AccountChange, StoreError>;

    /// Erases a user with logins, API keys, links and attributes.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be stored.
    async fn delete_user(&self, id: UserId, last: LastOne) -> Result<AccountChange, StoreError>;

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

/// Which users a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsersOf {
    /// The tenant's administrators and the users of its customers.
    Tenant(TenantId),
    /// The tenant's administrators.
    TenantAlone(TenantId),
    /// The users of a customer.
    Customer(CustomerId),
}

/// By what a list of users can be sorted. Its search looks at e-mail and names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserSort {
    /// When the user was added.
    Creation,
    /// The e-mail.
    Email,
    /// The given name.
    FirstName,
    /// The family name.
    LastName,
    /// The word for the authority.
    Authority,
}

/// A user in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedUser {
    /// The person.
    pub user: User,
    /// The title of a customer's user's customer.
    pub customer_title: Option<String>,
}

/// What is done with a user that may sign in, to keep it from that, when no other of its authority and tenant may. Looked at
/// where the change is made: of two who shut out each other at once, one is last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastOne {
    /// It stays.
    Stays,
    /// It goes like any other.
    Goes,
}

/// What became of a change of a user's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountChange {
    /// It is made.
    Made,
    /// Nothing: there is no such user, or one without a password is to sign in.
    Impossible,
    /// Nothing: the user is the [`LastOne`], who stays.
    LastOne,
}

/// How it stands with a user's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whether the person may sign in.
    pub is_enabled: bool,
    /// Whether the person has chosen a password.
    pub is_activated: bool,
    /// When the person last signed in.
    pub last_login: Option<Timestamp>,
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
