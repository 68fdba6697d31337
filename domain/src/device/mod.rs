//! The device aggregate: one device's life from registration to removal.

mod aggregate;
mod attributes;
mod command;
mod contradiction;
mod decide;
mod event;
mod evolve;
mod policy;
mod refusal;
mod state;

pub use aggregate::DatedCommand;
pub use attributes::{
    CLAIMING_ALLOWED, CLAIMING_ATTRIBUTES, CLAIMING_DATA, ClaimingAttribute, EXPIRATION_TIME, MASKED,
};
pub use command::{DeviceCommand, KeyEnd, OwnerChange, Reclaimer};
pub use decide::{
    ClaimantCounts, CountChange, Decision, Facts, GuessWindow, OwnAttributes, Suppressed, decide, decide_all,
};
pub use event::{
    ClaimRefusedReason, DeviceEvent, IssueRefusedReason, KeyOrigin, KeySlot, LockScope, RevokeReason, UnassignReason,
};
pub use policy::ClaimPolicy;
pub use refusal::Refusal;
pub use state::{Acquired, ActiveKey, AttributeSlot, Device, Owner, RefusalKind, Registered, Switch};
