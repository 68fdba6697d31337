//! Why a command was not carried out.

use serde::{Deserialize, Serialize};

use crate::{claim_key::WeakKey, time::Timestamp};

/// Why a command was not carried out. Each has a stable code ([`Refusal::code`]); what HTTP, MQTT or CoAP make of it
/// is decided there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Refusal {
    /// There is no such device in the tenant.
    #[error("the device does not exist")]
    DeviceNotFound,
    /// The presented key is none of the device's active keys.
    #[error("the claim key is wrong")]
    WrongKey,
    /// The presented key was right once; its time ran out.
    #[error("the claim key has expired")]
    KeyExpired,
    /// The device has no active key.
    #[error("the device has no active claim key")]
    NothingToClaim,
    /// Claiming is not allowed for this device or this caller.
    #[error(
        "claiming is not allowed: set the server attribute claimingAllowed to true, or security.claim.allowClaimingByDefault"
    )]
    ClaimingNotAllowed,
    /// The device has an owner.
    #[error("the device is already claimed")]
    AlreadyClaimed,
    /// The claimant has to wait after too many wrong keys.
    #[error("too many wrong claim keys; try again later")]
    ClaimantLocked {
        /// The lock holds before this time.
        until: Timestamp,
    },
    /// Only the owner and the tenant's administrators may do this.
    #[error("the device belongs to somebody else")]
    NotOwner,
    /// The device is reached through another gateway.
    #[error("the device belongs to another gateway")]
    NotItsGateway,
    /// The device has no owner.
    #[error("the device is not assigned to a customer")]
    NotAssigned,
    /// Somebody else saved the device in between.
    #[error("the device was already changed by someone else")]
    VersionConflict,
    /// The device has no such active key.
    #[error("the device has no such active claim key")]
    KeyNotFound,
    /// The key would never work: it expires before it begins, or has expired already.
    #[error("the claim key would expire before it can be used")]
    KeyNeverValid,
    /// The device holds as many additional keys as it may.
    #[error("the device already holds the most claim keys it may")]
    TooManyKeys,
    /// An administrator's key is shorter than the policy asks for.
    #[error("the claim key must have at least {min_length} characters")]
    KeyTooShort {
        /// The least number of characters.
        min_length: usize,
    },
    /// An administrator's key is too easy to guess.
    #[error("the claim key is too easy to guess")]
    KeyTrivial,
    /// The device's own attributes would take more room than they may.
    #[error("the device's attributes would take more than {most} bytes")]
    AttributesFull {
        /// Most bytes of their keys and values.
        most: u64,
    },
}

impl Refusal {
    /// The stable code word.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DeviceNotFound => "device_not_found",
            Self::WrongKey => "wrong_key",
            Self::KeyExpired => "key_expired",
            Self::NothingToClaim => "nothing_to_claim",
            Self::ClaimingNotAllowed => "claiming_not_allowed",
            Self::AlreadyClaimed => "already_claimed",
            Self::ClaimantLocked { .. } => "claimant_locked",
            Self::NotOwner => "not_owner",
            Self::NotItsGateway => "not_its_gateway",
            Self::NotAssigned => "not_assigned",
            Self::VersionConflict => "version_conflict",
            Self::KeyNotFound => "key_not_found",
            Self::KeyNeverValid => "key_never_valid",
            Self::TooManyKeys => "too_many_keys",
            Self::KeyTooShort { .. } => "key_too_short",
            Self::KeyTrivial => "key_trivial",
            Self::AttributesFull { .. } => "attributes_full",
        }
    }
}

impl From<WeakKey> for Refusal {
    fn from(weak: WeakKey) -> Self {
        match weak {
            WeakKey::TooShort { min_length } => Self::KeyTooShort { min_length },
            WeakKey::Trivial => Self::KeyTrivial,
        }
    }
}
