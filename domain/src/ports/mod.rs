//! What the outside provides. Every port is object-safe, because the store is chosen when the service starts.
//!
//! | port | what it is asked |
//! |---|---|
//! | [`EventStore`] | append what a command decides, durably, and say how it went |
//! | [`Feed`] | read the log in order, then wait for more |
//! | [`Accounts`], [`Credentials`], [`Attributes`], [`Profiles`] | the registry: what is not an event |
//! | [`KeyDigester`], [`PasswordHasher`], [`TokenSigner`] | secrets |
//! | [`Clock`], [`Entropy`] | the time, random bytes, new ids |

mod accounts;
mod attributes;
mod credentials;
mod event_store;
mod feed;
mod paging;
mod profiles;
mod secrets;
mod surroundings;

pub use accounts::{
    Accounts, AccountsError, Authority, Customer, Customers, Logins, NewLogin, Principal, Proof, Tenant, Tenants, User,
    UserCredentials, Users,
};
pub use attributes::{Attribute, AttributeScope, Attributes, Entity};
pub use credentials::{Credentials, CredentialsKind, DeviceCredentials, DeviceIdentity, DeviceToken};
pub use event_store::{
    Append, AppendError, Appended, CommandName, Counted, Decide, EventStore, RegistryWrite, StoreError, Subject,
    Target, UniqueClaim,
};
pub use feed::{Feed, Page, RecordedEvent, Scope, Subscription};
pub use paging::{ListPage, PageRequest};
pub use profiles::{DEFAULT_PROFILE, Profile, Profiles};
pub use secrets::{KeyDigester, Password, PasswordHasher, TokenClaims, TokenError, TokenSigner};
pub use surroundings::{Clock, Entropy};
