//! What can happen to a device. The names and members here are stored for ever: see `codec` before changing one.

use serde::{Deserialize, Serialize};

use crate::{
    claim_key::KeyDigest,
    ids::{CustomerId, Epoch, KeyId, ProfileId, TenantId, UserId},
    time::Timestamp,
};

/// One step in a device's life. Every event says when it happened (`at`, milliseconds), so that a fold needs nothing
/// but the events. Nothing personal stands in one: people and organisations are there by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
pub enum DeviceEvent {
    /// The tenant added the device.
    DeviceRegistered {
        /// When.
        at: Timestamp,
        /// Whose device it is.
        tenant_id: TenantId,
        /// Unique among the tenant's devices; what a customer types in.
        name: String,
        /// The name of its profile.
        device_type: String,
        /// A free text for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        /// Its profile.
        profile_id: ProfileId,
    },
    /// The tenant saved the device; the members are the values from now on, changed or not.
    DeviceChanged {
        /// When.
        at: Timestamp,
        /// The device's version after this, counted as the REST contract counts.
        version: u32,
        /// See [`DeviceEvent::DeviceRegistered`].
        name: String,
        /// The name of its profile.
        device_type: String,
        /// A free text for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        /// Its profile.
        profile_id: ProfileId,
    },
    /// The tenant deleted the device; its name is free again, its history stays.
    DeviceRemoved {
        /// When.
        at: Timestamp,
    },
    /// The switch `claimingAllowed` was set to true.
    ClaimingAllowed {
        /// When.
        at: Timestamp,
    },
    /// The switch `claimingAllowed` was set to false, or taken away.
    ClaimingDisallowed {
        /// When.
        at: Timestamp,
        /// Whether it stands there as `false`; otherwise it is absent.
        explicit: bool,
    },
    /// A claim key became active.
    ClaimIssued {
        /// When.
        at: Timestamp,
        /// The key.
        key_id: KeyId,
        /// Who issued it.
        origin: KeyOrigin,
        /// The place it takes.
        slot: KeySlot,
        /// What is stored of it.
        digest: KeyDigest,
        /// Whether it is the empty key, with which everybody who knows the name can claim.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        empty: bool,
        /// It works from this time on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_before: Option<Timestamp>,
        /// It works up to and including this millisecond.
        expires_at: Timestamp,
    },
    /// A key stopped being active before its time.
    ClaimRevoked {
        /// When.
        at: Timestamp,
        /// The key.
        key_id: KeyId,
        /// Why.
        reason: RevokeReason,
    },
    /// A key was offered and not taken.
    IssueRefused {
        /// When.
        at: Timestamp,
        /// Who offered it.
        origin: KeyOrigin,
        /// Why it was not taken.
        reason: IssueRefusedReason,
        /// Names the attribute's content that could not be read, so that its removal can be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key_id: Option<KeyId>,
        /// Earlier refusals of the same kind that have no event of their own.
        #[serde(default, skip_serializing_if = "is_zero")]
        suppressed: u32,
    },
    /// A key's time ran out.
    ClaimExpired {
        /// When this was noticed; the key stopped working at its `expiresAt`.
        at: Timestamp,
        /// The key.
        key_id: KeyId,
    },
    /// A customer tried to claim and failed.
    ClaimRefused {
        /// When.
        at: Timestamp,
        /// The customer that would have become the owner.
        customer_id: CustomerId,
        /// The person who tried.
        user_id: UserId,
        /// Why it failed.
        reason: ClaimRefusedReason,
        /// Wrong keys of this customer on this device so far, this one included; 0 for other reasons.
        #[serde(default, skip_serializing_if = "is_zero")]
        failures: u32,
        /// Earlier refusals of the same customer and reason that have no event of their own.
        #[serde(default, skip_serializing_if = "is_zero")]
        suppressed: u32,
        /// Wrong keys on this device over all customers within an hour, where that number calls for the tenant's
        /// attention; raised once an hour.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<u32>,
    },
    /// A customer failed too often and has to wait; nobody else is affected.
    ClaimantLocked {
        /// When.
        at: Timestamp,
        /// The customer.
        customer_id: CustomerId,
        /// The lock holds before this time.
        until: Timestamp,
        /// Wrong keys that led to it.
        failures: u32,
        /// What it covers.
        scope: LockScope,
    },
    /// A customer became the owner by presenting a key.
    DeviceClaimed {
        /// When.
        at: Timestamp,
        /// The owner.
        customer_id: CustomerId,
        /// The person who claimed.
        user_id: UserId,
        /// The key that was presented.
        key_id: KeyId,
        /// Which ownership of the device this is.
        epoch: Epoch,
        /// See [`DeviceEvent::DeviceChanged`].
        version: u32,
    },
    /// Ownership went back to the tenant, given up by the owner or taken back by the tenant.
    DeviceReclaimed {
        /// When.
        at: Timestamp,
        /// The owner until now.
        customer_id: CustomerId,
        /// See [`DeviceEvent::DeviceChanged`].
        version: u32,
    },
    /// An administrator set the owner without a key.
    DeviceAssigned {
        /// When.
        at: Timestamp,
        /// The owner from now on.
        customer_id: CustomerId,
        /// The owner until now, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<CustomerId>,
        /// Which ownership of the device this is.
        epoch: Epoch,
        /// See [`DeviceEvent::DeviceChanged`].
        version: u32,
    },
    /// An administrator took the device from its owner.
    DeviceUnassigned {
        /// When.
        at: Timestamp,
        /// The owner until now.
        customer_id: CustomerId,
        /// What led to it.
        reason: UnassignReason,
        /// See [`DeviceEvent::DeviceChanged`].
        version: u32,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word that is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value of that word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    )+};
}

words! {
    /// Who issued a key.
    KeyOrigin {
        /// The device itself.
        Device = "device",
        /// A gateway, for a device behind it.
        Gateway = "gateway",
        /// An administrator of the tenant.
        Admin = "admin",
    }

    /// The place that a key takes; a new key supersedes the one that holds its place, but for `additional`.
    KeySlot {
        /// The one key of the device side: the one on its display.
        Device = "device",
        /// The attribute `claimingData`, written as a JSON text.
        AttributeText = "attribute-text",
        /// The attribute `claimingData`, written as a JSON object.
        AttributeObject = "attribute-object",
        /// Any number of further keys from the server side.
        Additional = "additional",
    }

    /// Why a key stopped being active before its time.
    RevokeReason {
        /// A newer key took its place.
        Superseded = "superseded",
        /// An administrator took it back.
        Withdrawn = "withdrawn",
        /// The owner presented it.
        Used = "used",
        /// The device was claimed with another key.
        Claimed = "claimed",
        /// The device was reclaimed.
        Reclaimed = "reclaimed",
        /// An administrator set the owner.
        Assigned = "assigned",
        /// An administrator took the device from its owner.
        Unassigned = "unassigned",
        /// The owner was deleted.
        CustomerDeleted = "customer-deleted",
        /// The device was deleted.
        Removed = "removed",
    }

    /// Why an offered key was not taken.
    IssueRefusedReason {
        /// Claiming is not allowed: the switch `claimingAllowed` is not set.
        NotAllowed = "not-allowed",
        /// The device has an owner.
        AlreadyClaimed = "already-claimed",
        /// The attribute's content is no claiming data.
        Undecodable = "undecodable",
        /// The gateway that offered it is another one than that of the device.
        OtherGateway = "other-gateway",
    }

    /// Why a claim failed.
    ClaimRefusedReason {
        /// The key is none of the device's active keys.
        WrongKey = "wrong-key",
        /// The key was right once; its time ran out.
        Expired = "expired",
        /// The device has no active key.
        NothingToClaim = "nothing-to-claim",
        /// This claimant may not claim.
        NotAllowed = "not-allowed",
        /// The device has an owner.
        AlreadyClaimed = "already-claimed",
        /// The claimant has to wait after too many failures.
        Locked = "locked",
    }

    /// What a lock covers.
    LockScope {
        /// This device only.
        Device = "device",
        /// Every device, for this claimant.
        AllDevices = "all-devices",
    }

    /// What led to a device being taken from its owner.
    UnassignReason {
        /// An administrator unassigned it.
        Unassigned = "unassigned",
        /// The owner was deleted.
        CustomerDeleted = "customer-deleted",
    }

}

impl KeySlot {
    /// Whether this is the attribute `claimingData`.
    pub const fn is_attribute(self) -> bool {
        matches!(self, Self::AttributeText | Self::AttributeObject)
    }
}

impl DeviceEvent {
    /// When it happened.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::DeviceRegistered { at, .. }
            | Self::DeviceChanged { at, .. }
            | Self::DeviceRemoved { at }
            | Self::ClaimingAllowed { at }
            | Self::ClaimingDisallowed { at, .. }
            | Self::ClaimIssued { at, .. }
            | Self::ClaimRevoked { at, .. }
            | Self::IssueRefused { at, .. }
            | Self::ClaimExpired { at, .. }
            | Self::ClaimRefused { at, .. }
            | Self::ClaimantLocked { at, .. }
            | Self::DeviceClaimed { at, .. }
            | Self::DeviceReclaimed { at, .. }
            | Self::DeviceAssigned { at, .. }
            | Self::DeviceUnassigned { at, .. } => *at,
        }
    }
}
