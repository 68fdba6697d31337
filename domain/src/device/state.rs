//! What the events of a device add up to.

use serde::{Deserialize, Serialize};

use crate::{
    claim_key::KeyDigest,
    device::{
        ClaimPolicy,
        event::{ClaimRefusedReason, IssueRefusedReason, KeyOrigin, KeySlot},
    },
    ids::{CustomerId, Epoch, KeyId, ProfileId, TenantId, UserId},
    time::Timestamp,
};

/// A device: not there yet, there, or gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Device {
    /// No event yet.
    #[default]
    Unregistered,
    /// The tenant's, with or without an owner.
    Registered(Box<Registered>),
    /// Deleted. Its stream takes no further event.
    Removed,
}

/// A device that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// Whose device it is.
    pub tenant_id: TenantId,
    /// Unique among the tenant's devices.
    pub name: String,
    /// The name of its profile.
    pub device_type: String,
    /// A free text for people.
    pub label: Option<String>,
    /// Its profile.
    pub profile_id: ProfileId,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// Counted as the REST contract counts: one for each save and each change of owner.
    pub version: u32,
    /// The customer that owns it, if any.
    pub owner: Option<Owner>,
    /// The last ownership's number; 0 if it never had an owner.
    pub epoch: Epoch,
    /// The switch `claimingAllowed`, if it stands there.
    pub switch: Option<Switch>,
    /// The attribute `claimingData`, if it stands there.
    pub attribute: Option<AttributeSlot>,
    /// When the device side's window last opened or closed; what was written by hand as `expirationTime` up to then is
    /// not there any more.
    pub device_window_changed_at: Option<Timestamp>,
    /// Keys that are active or will be.
    pub keys: Vec<ActiveKey>,
    /// The last keys whose time ran out, newest last, so that their holder can be told why they fail.
    pub expired: Vec<ActiveKey>,
    /// Who guessed wrong.
    pub(crate) guesses: Vec<GuessRecord>,
    /// Wrong keys over all claimants.
    pub(crate) wrong_keys: WrongKeys,
    /// When refusals were recorded within the last hour.
    pub(crate) refusals: Vec<RefusalRecord>,
}

/// Who owns a device since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The customer.
    pub customer_id: CustomerId,
    /// Since when.
    pub since: Timestamp,
    /// Which ownership of the device this is.
    pub epoch: Epoch,
    /// How it came to be.
    pub acquired: Acquired,
}

/// How an owner got a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Acquired {
    /// With a key.
    Claim {
        /// The person who claimed.
        user_id: UserId,
        /// The key.
        key_id: KeyId,
        /// What is stored of the key; its holder may present it again.
        digest: Option<KeyDigest>,
    },
    /// From an administrator.
    Assignment,
}

/// The switch `claimingAllowed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Switch {
    /// Its value.
    pub allowed: bool,
    /// When it was set.
    pub at: Timestamp,
}

/// The attribute `claimingData`. It stands there until it is replaced, deleted, or the device changes hands, even when
/// its key has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeSlot {
    /// Its key, or the content that could not be read.
    pub key_id: KeyId,
    /// When it was written.
    pub at: Timestamp,
    /// How it was written and until when the key works; `None` if it could not be read.
    pub content: Option<(KeySlot, Timestamp)>,
}

/// A key that claims the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveKey {
    /// The key.
    pub key_id: KeyId,
    /// Who issued it.
    pub origin: KeyOrigin,
    /// The place it takes.
    pub slot: KeySlot,
    /// What is stored of it.
    pub digest: KeyDigest,
    /// Whether it is the empty key.
    pub empty: bool,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// It works from this time on.
    pub not_before: Option<Timestamp>,
    /// It works up to and including this millisecond.
    pub expires_at: Timestamp,
}

impl ActiveKey {
    /// Whether the key works at that time.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        now <= self.expires_at && self.not_before.is_none_or(|from| from <= now)
    }

    /// Whether its time has run out.
    pub fn is_expired_at(&self, now: Timestamp) -> bool {
        now > self.expires_at
    }
}

/// One claimant's wrong keys on this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GuessRecord {
    pub(crate) claimant: CustomerId,
    pub(crate) failures: u32,
    /// Those among them that only a lock has told of, and no refusal.
    pub(crate) untold: u32,
    pub(crate) locks: u32,
    pub(crate) locked_until: Timestamp,
    pub(crate) last: Timestamp,
}

/// Wrong keys on this device within an hour, over all claimants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WrongKeys {
    pub(crate) since: Timestamp,
    pub(crate) count: u32,
    pub(crate) alerted: bool,
}

/// What a limit on refusal events is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RefusalKind {
    /// A customer tried to claim.
    Claim(CustomerId, ClaimRefusedReason),
    /// A key was offered.
    Issue(KeyOrigin, IssueRefusedReason),
}

/// When refusals of one kind were recorded, oldest first; no more than are needed for the limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RefusalRecord {
    pub(crate) kind: RefusalKind,
    pub(crate) times: Vec<Timestamp>,
}

impl Device {
    /// The device, if it exists.
    pub const fn registered(&self) -> Option<&Registered> {
        match self {
            Self::Registered(device) => Some(device),
            Self::Unregistered | Self::Removed => None,
        }
    }
}

impl Registered {
    /// The owner's id, if there is an owner.
    pub fn owner_id(&self) -> Option<CustomerId> {
        self.owner.as_ref().map(|owner| owner.customer_id)
    }

    /// Whether the device side may register a key, as far as its owner does not stand in the way.
    pub fn is_claiming_allowed(&self, policy: &ClaimPolicy) -> bool {
        policy.allow_by_default || self.switch.is_some_and(|switch| switch.allowed)
    }

    /// The keys that claim the device at that time.
    pub fn valid_keys(&self, now: Timestamp) -> impl Iterator<Item = &ActiveKey> {
        self.keys.iter().filter(move |key| key.is_valid_at(now))
    }

    /// The key of the device side, if there is one.
    pub fn device_key(&self) -> Option<&ActiveKey> {
        self.keys.iter().find(|key| key.slot == KeySlot::Device)
    }

    pub(crate) fn guesses_of(&self, claimant: CustomerId) -> Option<&GuessRecord> {
        self.guesses.iter().find(|record| record.claimant == claimant)
    }

    /// Whether the claimant's last recorded wrong key, and so all that came after it, lie within that window.
    pub(crate) fn guessed_within(&self, claimant: CustomerId, window: WrongKeys) -> bool {
        self.guesses_of(claimant).is_some_and(|record| record.last >= window.since)
    }
}
