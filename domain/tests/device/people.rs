//! The people, devices and keys that the tests speak of.

use deed_domain::{
    claim_key::{KeyDigest, PepperId, PresentedKey},
    device::{DeviceCommand, DeviceEvent, KeyOrigin, KeySlot, RevokeReason},
    ids::{CustomerId, KeyId, ProfileId, TenantId, UserId},
    time::Timestamp,
};
use uuid::Uuid;

pub(crate) const TENANT: TenantId = TenantId(Uuid::from_u128(0x7e));
pub(crate) const PROFILE: ProfileId = ProfileId(Uuid::from_u128(0x9f));
pub(crate) const ALICE: CustomerId = CustomerId(Uuid::from_u128(0xa));
pub(crate) const BOB: CustomerId = CustomerId(Uuid::from_u128(0xb));
pub(crate) const CAROL: CustomerId = CustomerId(Uuid::from_u128(0xc));

/// The time at which every test begins.
pub(crate) const START: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const MINUTE: i64 = 60_000;

/// The one user of a customer.
pub(crate) const fn user_of(customer: CustomerId) -> UserId {
    UserId(Uuid::from_u128(customer.0.as_u128() << 8))
}

pub(crate) const fn key_id(n: u128) -> KeyId {
    KeyId(Uuid::from_u128(0x1000 + n))
}

pub(crate) fn digest(text: &str) -> KeyDigest {
    peppered("p1", text)
}

/// Stands for the keyed digest: as different for different texts, and for different peppers.
pub(crate) fn peppered(pepper: &str, text: &str) -> KeyDigest {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    KeyDigest::new(PepperId(pepper.to_owned()), bytes)
}

pub(crate) fn key(text: &str) -> PresentedKey {
    PresentedKey::new(vec![digest(text)], text.is_empty())
}

pub(crate) fn registered() -> DeviceEvent {
    DeviceEvent::DeviceRegistered {
        at: START,
        tenant_id: TENANT,
        name: "D-1".into(),
        device_type: "default".into(),
        label: None,
        profile_id: PROFILE,
    }
}

/// A key that becomes active at the start.
pub(crate) fn issued(id: KeyId, slot: KeySlot, text: &str, expires_at: Timestamp) -> DeviceEvent {
    DeviceEvent::ClaimIssued {
        at: START,
        key_id: id,
        origin: if slot == KeySlot::Device { KeyOrigin::Device } else { KeyOrigin::Admin },
        slot,
        digest: digest(text),
        empty: text.is_empty(),
        not_before: None,
        expires_at,
    }
}

pub(crate) const fn revoked(at: Timestamp, id: KeyId, reason: RevokeReason) -> DeviceEvent {
    DeviceEvent::ClaimRevoked { at, key_id: id, reason }
}

pub(crate) fn register(owner: Option<CustomerId>) -> DeviceCommand {
    DeviceCommand::RegisterDevice {
        tenant_id: TENANT,
        name: "D-1".into(),
        device_type: "default".into(),
        label: None,
        profile_id: PROFILE,
        owner,
    }
}

/// The device registers a key for an hour.
pub(crate) fn issue(id: KeyId, text: &str) -> DeviceCommand {
    issue_for(id, text, 3_600_000)
}

pub(crate) fn issue_for(id: KeyId, text: &str, duration_ms: i64) -> DeviceCommand {
    DeviceCommand::IssueFromDevice { key_id: id, origin: KeyOrigin::Device, key: key(text), duration_ms }
}

pub(crate) fn add_key(id: KeyId, slot: KeySlot, text: &str, expires_at: Timestamp) -> DeviceCommand {
    DeviceCommand::IssueFromAdmin { key_id: id, slot, key: key(text), not_before: None, ends: expires_at.into() }
}

pub(crate) fn claim(customer_id: CustomerId, text: &str) -> DeviceCommand {
    DeviceCommand::ClaimDevice { customer_id, user_id: user_of(customer_id), key: key(text) }
}
