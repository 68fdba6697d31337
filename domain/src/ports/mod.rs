//! What the outside provides. Every port is object-safe, because the store is chosen when the service starts.
//!
//! | port | what it is asked |
//! |---|---|
//! | [`EventStore`] | append what a command decides, durably, and say how it went |
//! | [`Feed`] | read the log in order, then wait for more |
//! | [`Accounts`], [`Credentials`], [`Attributes`], [`Profiles`] | the registry: what is not an event |
//! | [`Mailer`] | letters to people |
//! | [`KeyDigester`], [`PasswordHasher`], [`TokenSigner`] | secrets |
//! | [`Clock`], [`Entropy`] | the time, random bytes, new ids |

mod accounts;
mod attributes;
mod credentials;
mod event_store;
mod feed;
mod mailer;
mod paging;
mod profiles;
mod secrets;
mod surroundings;

pub use accounts::{
    Account, Accounts, AccountsError, ApiKey, ApiKeySort, ApiKeyValue, ApiKeys, Authority, Customer, Customers,
    KeyRefused, LinkPurpose, LinkToken, ListedUser, Logins, NewLink, NewLogin, OfferedLink, PendingLink, PersonalLinks,
    Principal, Proof, Tenant, Tenants, User, UserCredentials, UserSort, Users, UsersOf,
};
pub use attributes::{Attribute, AttributeScope, Attributes, Entity};
pub use credentials::{Credentials, CredentialsKind, DeviceCredentials, DeviceIdentity, DeviceToken};
pub use event_store::{
    Append, AppendError, Appended, CommandName, Counted, Decide, EventStore, RegistryWrite, StoreError, Subject,
    Target, UniqueClaim,
};
pub use feed::{Feed, Page, RecordedEvent, Scope, Subscription};
pub use mailer::{Letter, Mailer, Message};
pub use paging::{ListPage, PageRequest};
pub use profiles::{DEFAULT_PROFILE, Profile, Profiles};
pub use secrets::{KeyDigester, Password, PasswordHasher, TokenClaims, TokenError, TokenSigner};
pub use surroundings::{Clock, Entropy};
