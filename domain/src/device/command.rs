//! What can be asked of a device.

use crate::{
    claim_key::PresentedKey,
    device::event::{KeyOrigin, KeySlot, UnassignReason},
    ids::{CustomerId, KeyId, ProfileId, TenantId, UserId},
    time::Timestamp,
};

/// A command to one device. Ids of keys are drawn by the caller; keys come as digests.
#[derive(Clone, Debug)]
pub enum DeviceCommand {
    /// Add the device.
    RegisterDevice {
        /// Whose device it is.
        tenant_id: TenantId,
        /// Unique among the tenant's devices; the store checks that.
        name: String,
        /// The name of its profile.
        device_type: String,
        /// A free text for people.
        label: Option<String>,
        /// Its profile.
        profile_id: ProfileId,
        /// The owner from the start, if there is one.
        owner: Option<CustomerId>,
    },
    /// Save the device.
    ChangeDevice {
        /// The version that the caller saw; `None` overwrites.
        expected_version: Option<u32>,
        /// The name from now on.
        name: String,
        /// The name of its profile.
        device_type: String,
        /// A free text for people.
        label: Option<String>,
        /// Its profile.
        profile_id: ProfileId,
        /// What becomes of the owner.
        owner: OwnerChange,
    },
    /// Delete the device.
    RemoveDevice,
    /// Set the switch `claimingAllowed` to true.
    AllowClaiming,
    /// Set the switch `claimingAllowed` to false.
    DisallowClaiming,
    /// Take the switch `claimingAllowed` away.
    ClearClaimingSwitch,
    /// The device, or its gateway, registers a key.
    IssueFromDevice {
        /// The new key.
        key_id: KeyId,
        /// Who registers it.
        origin: KeyOrigin,
        /// The key.
        key: PresentedKey,
        /// How long it is to live, milliseconds; zero or less = the default.
        duration_ms: i64,
    },
    /// The device writes attributes of its own, which leave no event.
    PutOwnAttributes {
        /// Bytes of their keys, and of their values as JSON.
        bytes: u64,
        /// Most bytes that all of the device's own may have then.
        most: u64,
    },
    /// Record that a gateway offered a key for a device that another gateway has.
    RefuseGateway,
    /// An administrator adds a key.
    IssueFromAdmin {
        /// The new key.
        key_id: KeyId,
        /// The attribute's place or a further one.
        slot: KeySlot,
        /// The key.
        key: PresentedKey,
        /// It works from this time on.
        not_before: Option<Timestamp>,
        /// Until when it works.
        ends: KeyEnd,
    },
    /// An administrator wrote a `claimingData` that is none.
    RefuseClaimingData {
        /// Names that content.
        key_id: KeyId,
    },
    /// Delete the attribute `claimingData`.
    ClearClaimingData,
    /// An administrator takes an active key back.
    RevokeKey {
        /// The key.
        key_id: KeyId,
    },
    /// Record the keys whose time ran out.
    ExpireKeys,
    /// A customer presents a key.
    ClaimDevice {
        /// The customer that becomes the owner.
        customer_id: CustomerId,
        /// The person who claims.
        user_id: UserId,
        /// The key.
        key: PresentedKey,
    },
    /// Somebody tries to claim who never may, whatever the key.
    RefuseClaim {
        /// The customer that would be the owner.
        customer_id: CustomerId,
        /// The person who tries.
        user_id: UserId,
    },
    /// Give the device back to the tenant.
    ReclaimDevice {
        /// Who asks.
        by: Reclaimer,
    },
    /// Set the owner.
    AssignDevice {
        /// The owner from now on.
        customer_id: CustomerId,
    },
    /// Take the device from its owner.
    UnassignDevice {
        /// What led to it.
        reason: UnassignReason,
        /// Only if this customer is the owner; otherwise nothing happens.
        only_from: Option<CustomerId>,
    },
}

/// Until when an administrator's key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEnd {
    /// Up to and including this millisecond.
    At(Timestamp),
    /// For so many milliseconds after it began to work, by the time of the log.
    After(i64),
}

impl KeyEnd {
    /// The last millisecond of a key that works from `begins` on.
    pub const fn of(self, begins: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::After(milliseconds) => begins.plus(milliseconds),
        }
    }
}

impl From<Timestamp> for KeyEnd {
    fn from(time: Timestamp) -> Self {
        Self::At(time)
    }
}

/// Who asks for a device to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reclaimer {
    /// An administrator of the tenant.
    Tenant,
    /// A user of this customer.
    Customer(CustomerId),
}

/// What a save makes of the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerChange {
    /// Nothing.
    Keep,
    /// This customer owns the device, with or without a change.
    SetTo(CustomerId),
    /// Nobody owns it.
    Clear,
}
