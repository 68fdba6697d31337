//! Keys that become active, are replaced, withdrawn, or run out.

use super::{Decision, Facts, limits, retire};
use crate::{
    claim_key::PresentedKey,
    device::{
        command::DeviceCommand,
        event::{DeviceEvent, IssueRefusedReason, KeyOrigin, KeySlot, RevokeReason},
        policy::ClaimPolicy,
        refusal::Refusal,
        state::{ActiveKey, Registered},
    },
    ids::KeyId,
    time::Timestamp,
};

/// The newest key of the device side wins, as it is the one on the display; the same key again restarts its time.
pub(super) fn from_device(
    device: &Registered,
    key_id: KeyId,
    origin: KeyOrigin,
    key: &PresentedKey,
    duration_ms: i64,
    facts: &Facts,
) -> Decision {
    let policy = &facts.policy;
    if device.owner.is_some() {
        return limits::refuse_issue(device, origin, IssueRefusedReason::AlreadyClaimed, facts);
    }
    if !device.is_claiming_allowed(policy) {
        return limits::refuse_issue(device, origin, IssueRefusedReason::NotAllowed, facts);
    }
    let Some(digest) = key.current() else { return Decision::refuse(Refusal::KeyNotFound) };
    let wanted = if duration_ms > 0 { duration_ms } else { policy.default_duration_ms };
    let longest = if key.is_empty() {
        policy.empty_key_max_duration_ms.min(policy.max_duration_ms)
    } else {
        policy.max_duration_ms
    };
    let at = facts.now;
    let issued = DeviceEvent::ClaimIssued {
        at,
        key_id,
        origin,
        slot: KeySlot::Device,
        digest: digest.clone(),
        empty: key.is_empty(),
        not_before: None,
        expires_at: at.plus(wanted.min(longest)),
    };
    let superseded =
        in_slot(device, |slot| slot == KeySlot::Device).map(|old| retire(old, RevokeReason::Superseded, at));
    Decision::accept(superseded.chain(std::iter::once(issued)).collect())
}

/// A gateway offered a key for a device of another one. Whether the device has an owner is told first, as to everybody.
pub(super) fn refuse_gateway(device: &Registered, facts: &Facts) -> Decision {
    let reason =
        if device.owner.is_some() { IssueRefusedReason::AlreadyClaimed } else { IssueRefusedReason::OtherGateway };
    limits::refuse_issue(device, KeyOrigin::Gateway, reason, facts)
}

pub(super) fn from_admin(
    device: &Registered,
    command: &DeviceCommand,
    facts: &Facts,
) -> Result<Vec<DeviceEvent>, Refusal> {
    let DeviceCommand::IssueFromAdmin { key_id, slot, key, not_before, ends } = command else {
        return Ok(Vec::new());
    };
    let at = facts.now;
    let mut expires_at = ends.of(not_before.unwrap_or(at));
    if key.is_empty() {
        expires_at = expires_at.min(at.plus(facts.policy.empty_key_max_duration_ms));
    }
    let digest = key.current().ok_or(Refusal::KeyNotFound)?.clone();
    if *slot == KeySlot::Additional {
        if at > expires_at || not_before.is_some_and(|from| from > expires_at) {
            return Err(Refusal::KeyNeverValid);
        }
        let standing = in_slot(device, |slot| slot == KeySlot::Additional).filter(|key| !key.is_expired_at(at));
        if standing.count() >= ClaimPolicy::MAX_ADDITIONAL_KEYS {
            return Err(Refusal::TooManyKeys);
        }
    }
    let mut events = if slot.is_attribute() { supersede_attribute(device, at) } else { Vec::new() };
    events.push(DeviceEvent::ClaimIssued {
        at,
        key_id: *key_id,
        origin: KeyOrigin::Admin,
        slot: *slot,
        digest,
        empty: key.is_empty(),
        not_before: *not_before,
        expires_at,
    });
    // An attribute may be written with a time that has passed: it reads back, and no key comes of it.
    if at > expires_at {
        events.push(DeviceEvent::ClaimExpired { at, key_id: *key_id });
    }
    Ok(events)
}

/// The attribute was written with something that is no claiming data: it stands there, and no key comes of it.
pub(super) fn refuse_claiming_data(device: &Registered, key_id: KeyId, at: Timestamp) -> Vec<DeviceEvent> {
    let mut events = supersede_attribute(device, at);
    events.push(DeviceEvent::IssueRefused {
        at,
        origin: KeyOrigin::Admin,
        reason: IssueRefusedReason::Undecodable,
        key_id: Some(key_id),
        suppressed: 0,
    });
    events
}

fn supersede_attribute(device: &Registered, at: Timestamp) -> Vec<DeviceEvent> {
    in_slot(device, KeySlot::is_attribute).map(|old| retire(old, RevokeReason::Superseded, at)).collect()
}

/// Deleting the attribute takes its key back; what it held may have expired or never been a key, and is told all the
/// same, because the attribute is gone from here on.
pub(super) fn clear_attribute(device: &Registered, at: Timestamp) -> Vec<DeviceEvent> {
    let reason = RevokeReason::Withdrawn;
    device.attribute.iter().map(|slot| DeviceEvent::ClaimRevoked { at, key_id: slot.key_id, reason }).collect()
}

pub(super) fn revoke(device: &Registered, key_id: KeyId, at: Timestamp) -> Result<Vec<DeviceEvent>, Refusal> {
    let key = device.keys.iter().find(|key| key.key_id == key_id).ok_or(Refusal::KeyNotFound)?;
    Ok(vec![retire(key, RevokeReason::Withdrawn, at)])
}

pub(super) fn expire(device: &Registered, at: Timestamp) -> Vec<DeviceEvent> {
    device
        .keys
        .iter()
        .filter(|key| key.is_expired_at(at))
        .map(|key| DeviceEvent::ClaimExpired { at, key_id: key.key_id })
        .collect()
}

fn in_slot(device: &Registered, wanted: impl Fn(KeySlot) -> bool) -> impl Iterator<Item = &ActiveKey> {
    device.keys.iter().filter(move |key| wanted(key.slot))
}
