//! What the outside provides. Every port is object-safe, because the store is chosen when the service starts.
//!
//! | port | what it is asked |
//! |---|---|
//! | [`EventStore`] | append what a command decides, durably, and say how it went |
//! | [`Feed`] | read the log in order, then wait for more |
//! | [`Accounts`], [`Credentials`], [`Attributes`], [`Profiles`] | the registry: what is not an event |
//! | [`DeviceWatch`] | to be told when something was written about a device |
//! | [`GatewayDevices`] | which devices are gateways, and through which a device is reached |
//! | [`Holdings`] | which devices a tenant or customer has |
//! | [`Leases`] | which node does what one does at a time |
//! | [`Mailer`] | letters to people |
//! | [`RateLimiter`] | whether somebody has sent enough |
//! | [`KeyDigester`], [`PasswordHasher`], [`TokenSigner`] | secrets |
//! | [`Clock`], [`Entropy`] | the time, random bytes, new ids |

mod accounts;
mod attributes;
mod credentials;
mod device_watch;
mod event_store;
mod feed;
mod gateway_devices;
mod holdings;
mod leases;
mod mailer;
mod paging;
mod profiles;
mod rate_limiter;
mod secrets;
mod surroundings;
mod text_search;

pub use accounts::{
    Account, AccountChange, AccountSort, Accounts, AccountsError, ApiKey, ApiKeySort, ApiKeyValue, ApiKeys, Authority,
    Contact, ContactField, Customer, CustomerValues, Customers, KeyRefused, LastOne, LinkPurpose, LinkToken,
    ListedUser, Logins, NewLink, NewLogin, OfferedLink, PUBLIC_CUSTOMER, PUBLIC_USER, PendingLink, PersonalLinks,
    Principal, Proof, PublicLogins, Tenant, TenantValues, Tenants, User, UserCredentials, UserSort, Users, UsersOf,
};
pub use attributes::{Attribute, AttributeScope, Attributes, Entity};
pub use credentials::{Credentials, CredentialsKind, DeviceCredentials, DeviceIdentity, DeviceToken};
pub use device_watch::{DeviceWatch, DeviceWatcher, Written};
pub use event_store::{
    Append, AppendError, Appended, CommandName, Counted, Decide, EventStore, Party, RegistryWrite, StoreError, Subject,
    Target, UniqueClaim,
};
pub use feed::{Feed, Page, RecordedEvent, Scope, Subscription};
pub use gateway_devices::{GatewayDevices, KnownGateway, NamedDevice};
pub use holdings::{Holder, Holdings};
pub use leases::{LEASE, Leases};
pub use mailer::{Letter, Mailer, Message};
pub use paging::{ListPage, PageRequest};
pub use profiles::{
    DEFAULT_PROFILE, PayloadEncoding, Payloads, Profile, ProfileSort, ProfileTransport, ProfileValues, Profiles,
    ProfilesError, ProvisioningRule, ProvisioningStrategy,
};
pub use rate_limiter::{RateLimiter, TooMany};
pub use secrets::{KeyDigester, Password, PasswordHasher, TokenClaims, TokenError, TokenSigner};
pub use surroundings::{Clock, Entropy};
pub use text_search::{contains_folded, fold_case};
