//! Registering, saving and deleting a device.

use super::{ownership, retire_keys};
use crate::{
    device::{
        command::{DeviceCommand, OwnerChange},
        event::{DeviceEvent, RevokeReason, UnassignReason},
        refusal::Refusal,
        state::Registered,
    },
    ids::Epoch,
    time::Timestamp,
};

pub(super) fn register(command: &DeviceCommand, at: Timestamp) -> Vec<DeviceEvent> {
    let DeviceCommand::RegisterDevice { tenant_id, name, device_type, label, profile_id, owner } = command else {
        return Vec::new();
    };
    let registered = DeviceEvent::DeviceRegistered {
        at,
        tenant_id: *tenant_id,
        name: name.clone(),
        device_type: device_type.clone(),
        label: label.clone(),
        profile_id: *profile_id,
    };
    // One save, so the version is 1 after both.
    let assigned = owner.map(|customer_id| DeviceEvent::DeviceAssigned {
        at,
        customer_id,
        previous: None,
        epoch: Epoch(1),
        version: 1,
    });
    std::iter::once(registered).chain(assigned).collect()
}

pub(super) fn change(device: &Registered, command: &DeviceCommand, at: Timestamp) -> Result<Vec<DeviceEvent>, Refusal> {
    let DeviceCommand::ChangeDevice { expected_version, name, device_type, label, profile_id, owner } = command else {
        return Ok(Vec::new());
    };
    if expected_version.is_some_and(|expected| expected != device.version) {
        return Err(Refusal::VersionConflict);
    }
    let version = device.version + 1;
    let mut events = vec![DeviceEvent::DeviceChanged {
        at,
        version,
        name: name.clone(),
        device_type: device_type.clone(),
        label: label.clone(),
        profile_id: *profile_id,
    }];
    match owner {
        OwnerChange::Keep => {}
        OwnerChange::SetTo(customer) => events.extend(ownership::assign(device, *customer, version, at)),
        OwnerChange::Clear if device.owner.is_none() => {}
        OwnerChange::Clear => {
            events.extend(ownership::unassign(device, UnassignReason::Unassigned, None, version, at)?);
        }
    }
    Ok(events)
}

pub(super) fn remove(device: &Registered, at: Timestamp) -> Vec<DeviceEvent> {
    retire_keys(device, RevokeReason::Removed, at).chain(std::iter::once(DeviceEvent::DeviceRemoved { at })).collect()
}
