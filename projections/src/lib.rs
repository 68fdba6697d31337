//! Read models as pure functions: a recorded event goes in, row changes come out.
//!
//! | projection | what its read model tells |
//! |---|---|
//! | [`DeviceList`] | the devices that exist, with their owner and version |
//! | [`Ownership`] | who owned which device from when to when |
//! | [`ActiveKeys`] | the keys that claim a device, and when the next one runs out |
//! | [`ClaimHistory`] | every step of claiming, refusals included, in a row of its own |
//!
//! [`audit_entries`] is no projection: the audit log is read from the log itself, whenever somebody asks.
//!
//! A projection has a name and a version for life: its rows and its checkpoint hang on them. It knows nothing of SQL:
//! each store has the tables and the statements for the typed changes, and answers the query trait that stands beside
//! the projection. With the feature `testing` the crate brings a kit to test projections, yours included.

#![forbid(unsafe_code)]

mod active_keys;
mod audit_log;
mod claim_history;
mod device_filter;
mod device_list;
mod ownership;
mod projection;
#[cfg(feature = "testing")]
pub mod testing;

pub use active_keys::{ActiveKeyRow, ActiveKeys, ActiveKeysChange, ActiveKeysQuery, DueDevice};
pub use audit_log::{AuditAction, AuditEntry, audit_entries, concerns_the_audit_log};
pub use claim_history::{ClaimHistory, ClaimHistoryQuery, ClaimHistoryRow};
pub use device_filter::{DeviceFilter, DeviceOrder, OwnedBy, SearchedIn};
pub use device_list::{DeviceList, DeviceListChange, DeviceListQuery, DeviceRow};
pub use ownership::{Ownership, OwnershipChange, OwnershipQuery, OwnershipSpan, SpanEnd, SpanStart};
pub use projection::{Projection, Recorded, Undecodable};

/// Everything that can be asked of the read models.
pub trait ReadModels: DeviceListQuery + OwnershipQuery + ActiveKeysQuery + ClaimHistoryQuery {}

impl<T: DeviceListQuery + OwnershipQuery + ActiveKeysQuery + ClaimHistoryQuery> ReadModels for T {}
