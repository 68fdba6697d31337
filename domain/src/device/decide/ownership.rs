//! Who owns the device, set without a key: reclaim, assign, unassign. Every change of owner ends every key.

use super::{Facts, retire_keys};
use crate::{
    device::{
        command::Reclaimer,
        event::{DeviceEvent, KeySlot, RevokeReason, UnassignReason},
        refusal::Refusal,
        state::Registered,
    },
    ids::{CustomerId, Epoch},
    time::Timestamp,
};

pub(super) fn clear_switch(device: &Registered, at: Timestamp) -> Vec<DeviceEvent> {
    device.switch.iter().map(|_| DeviceEvent::ClaimingDisallowed { at, explicit: false }).collect()
}

pub(super) fn reclaim(device: &Registered, by: Reclaimer, facts: &Facts) -> Result<Vec<DeviceEvent>, Refusal> {
    let at = facts.now;
    let Some(owner) = device.owner_id() else {
        return Ok(match by {
            // The tenant closes an open window; a customer must not be able to.
            Reclaimer::Tenant => device
                .keys
                .iter()
                .filter(|key| key.slot == KeySlot::Device)
                .map(|key| super::retire(key, RevokeReason::Withdrawn, at))
                .collect(),
            Reclaimer::Customer(_) => Vec::new(),
        });
    };
    if let Reclaimer::Customer(customer) = by
        && customer != owner
    {
        return Err(Refusal::NotOwner);
    }
    let reclaimed = DeviceEvent::DeviceReclaimed { at, customer_id: owner, version: device.version + 1 };
    let allowed = (!facts.policy.allow_by_default).then_some(DeviceEvent::ClaimingAllowed { at });
    Ok(std::iter::once(reclaimed).chain(retire_keys(device, RevokeReason::Reclaimed, at)).chain(allowed).collect())
}

pub(super) fn assign(device: &Registered, customer_id: CustomerId, version: u32, at: Timestamp) -> Vec<DeviceEvent> {
    let previous = device.owner_id();
    if previous == Some(customer_id) {
        return Vec::new();
    }
    let epoch = Epoch(device.epoch.0 + 1);
    let assigned = DeviceEvent::DeviceAssigned { at, customer_id, previous, epoch, version };
    std::iter::once(assigned).chain(retire_keys(device, RevokeReason::Assigned, at)).collect()
}

pub(super) fn unassign(
    device: &Registered,
    reason: UnassignReason,
    only_from: Option<CustomerId>,
    version: u32,
    at: Timestamp,
) -> Result<Vec<DeviceEvent>, Refusal> {
    let owner = device.owner_id();
    if only_from.is_some() && owner != only_from {
        return Ok(Vec::new());
    }
    let customer_id = owner.ok_or(Refusal::NotAssigned)?;
    let why = match reason {
        UnassignReason::Unassigned => RevokeReason::Unassigned,
        UnassignReason::CustomerDeleted => RevokeReason::CustomerDeleted,
    };
    let unassigned = DeviceEvent::DeviceUnassigned { at, customer_id, reason, version };
    Ok(std::iter::once(unassigned).chain(retire_keys(device, why, at)).collect())
}
