//! Registering, saving and deleting a device; what its version counts.

use deed_domain::{
    device::{Device, DeviceCommand, DeviceEvent, KeySlot, OwnerChange, Refusal, RevokeReason, UnassignReason},
    ids::{CustomerId, Epoch},
};

use crate::{
    given::{fold, given},
    people::*,
};

fn save(expected_version: Option<u32>, name: &str, owner: OwnerChange) -> DeviceCommand {
    DeviceCommand::ChangeDevice {
        expected_version,
        name: name.into(),
        device_type: "default".into(),
        label: Some("hall".into()),
        profile_id: PROFILE,
        owner,
    }
}

fn saved(version: u32, name: &str) -> DeviceEvent {
    DeviceEvent::DeviceChanged {
        at: START,
        version,
        name: name.into(),
        device_type: "default".into(),
        label: Some("hall".into()),
        profile_id: PROFILE,
    }
}

fn assigned(customer_id: CustomerId, previous: Option<CustomerId>, epoch: u32, version: u32) -> DeviceEvent {
    DeviceEvent::DeviceAssigned { at: START, customer_id, previous, epoch: Epoch(epoch), version }
}

fn version(device: &Device) -> Option<u32> {
    device.registered().map(|device| device.version)
}

#[test]
fn a_registered_device_has_version_1() {
    let device = given([]).when(register(None)).then_events([registered()]);
    assert_eq!(version(&device), Some(1));
}

#[test]
fn registering_with_an_owner_is_one_save() {
    let device = given([]).when(register(Some(ALICE))).then_events([registered(), assigned(ALICE, None, 1, 1)]);
    assert_eq!(version(&device), Some(1));
    assert_eq!(device.registered().and_then(|device| device.owner_id()), Some(ALICE));
}

#[test]
fn a_device_is_registered_once() {
    given([registered()]).when(register(None)).then_refused(Refusal::VersionConflict);
}

#[test]
fn saving_counts_changed_or_not() {
    let events = [registered(), saved(2, "D-1")];
    given([registered()]).when(save(None, "D-1", OwnerChange::Keep)).then_events([saved(2, "D-1")]);
    let device = given(events).when(save(None, "D-1", OwnerChange::Keep)).then_events([saved(3, "D-1")]);
    assert_eq!(version(&device), Some(3));
}

#[test]
fn saving_takes_the_version_that_is_stored_and_no_other() {
    let events = || [registered(), saved(2, "D-1")];
    given(events()).when(save(Some(2), "D-2", OwnerChange::Keep)).then_events([saved(3, "D-2")]);
    for other in [0, 1, 3, u32::MAX] {
        given(events()).when(save(Some(other), "D-2", OwnerChange::Keep)).then_refused(Refusal::VersionConflict);
    }
}

#[test]
fn renaming_keeps_the_keys() {
    let device = given([registered(), issued(key_id(1), KeySlot::Device, "k", START.plus(1))])
        .when(save(None, "D-2", OwnerChange::Keep))
        .then_events([saved(2, "D-2")]);
    assert_eq!(device.registered().map(|device| device.keys.len()), Some(1));
}

#[test]
fn a_save_that_sets_another_owner_is_an_assignment_in_one_version() {
    let events = [registered(), issued(key_id(1), KeySlot::Device, "k", START.plus(1))];
    let device = given(events).when(save(None, "D-1", OwnerChange::SetTo(ALICE))).then_events([
        saved(2, "D-1"),
        assigned(ALICE, None, 1, 2),
        revoked(START, key_id(1), RevokeReason::Assigned),
    ]);
    assert_eq!(version(&device), Some(2));
}

#[test]
fn a_save_that_names_the_same_owner_keeps_the_keys() {
    let events = [registered(), assigned(ALICE, None, 1, 2), issued(key_id(1), KeySlot::Additional, "k", START)];
    given(events).when(save(None, "D-1", OwnerChange::SetTo(ALICE))).then_events([saved(3, "D-1")]);
}

#[test]
fn a_save_that_clears_the_owner_is_an_unassignment() {
    let unassigned =
        DeviceEvent::DeviceUnassigned { at: START, customer_id: ALICE, reason: UnassignReason::Unassigned, version: 3 };
    given([registered(), assigned(ALICE, None, 1, 2)])
        .when(save(None, "D-1", OwnerChange::Clear))
        .then_events([saved(3, "D-1"), unassigned]);
    given([registered()]).when(save(None, "D-1", OwnerChange::Clear)).then_events([saved(2, "D-1")]);
}

#[test]
fn removal_ends_every_key() {
    let events = [
        registered(),
        issued(key_id(1), KeySlot::Device, "k", START.plus(1)),
        issued(key_id(2), KeySlot::Additional, "l", START.plus(-1)),
    ];
    let device = given(events).when(DeviceCommand::RemoveDevice).then_events([
        revoked(START, key_id(1), RevokeReason::Removed),
        DeviceEvent::ClaimExpired { at: START, key_id: key_id(2) },
        DeviceEvent::DeviceRemoved { at: START },
    ]);
    assert_eq!(device, Device::Removed);
}

#[test]
fn nothing_happens_to_a_device_that_is_not_there() {
    let commands = [
        save(None, "D-1", OwnerChange::Keep),
        DeviceCommand::RemoveDevice,
        DeviceCommand::AllowClaiming,
        DeviceCommand::ExpireKeys,
        issue(key_id(1), "k"),
        add_key(key_id(1), KeySlot::Additional, "k", START),
        claim(ALICE, "k"),
        DeviceCommand::AssignDevice { customer_id: ALICE },
    ];
    for command in commands {
        given([]).when(command.clone()).then_refused(Refusal::DeviceNotFound);
        given([registered(), DeviceEvent::DeviceRemoved { at: START }])
            .when(command)
            .then_refused(Refusal::DeviceNotFound);
    }
}

#[test]
fn a_removed_device_is_never_revived() {
    let removed = [registered(), DeviceEvent::DeviceRemoved { at: START }];
    given(removed.clone()).when(register(None)).then_refused(Refusal::DeviceNotFound);
    let events = [&removed[..], &[registered(), assigned(ALICE, None, 1, 2)]].concat();
    assert_eq!(fold(&events), Device::Removed);
}
