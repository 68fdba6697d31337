//! Who may give a device back or set its owner, and what that ends.

use deed_domain::{
    device::{DeviceCommand, DeviceEvent, KeySlot, Reclaimer, Refusal, RevokeReason, UnassignReason},
    ids::{CustomerId, Epoch},
};

use crate::{given::given, people::*};

const fn reclaim(by: Reclaimer) -> DeviceCommand {
    DeviceCommand::ReclaimDevice { by }
}

const fn unassign(reason: UnassignReason, only_from: Option<CustomerId>) -> DeviceCommand {
    DeviceCommand::UnassignDevice { reason, only_from }
}

fn assigned(customer_id: CustomerId, previous: Option<CustomerId>, epoch: u32, version: u32) -> DeviceEvent {
    DeviceEvent::DeviceAssigned { at: START, customer_id, previous, epoch: Epoch(epoch), version }
}

/// ALICE's device; the administrator has written a key since.
fn owned() -> Vec<DeviceEvent> {
    vec![
        registered(),
        assigned(ALICE, None, 1, 2),
        issued(key_id(1), KeySlot::AttributeText, "k", START.plus(1)),
        issued(key_id(2), KeySlot::Additional, "l", START.plus(-1)),
    ]
}

/// What becomes of the keys of [`owned`].
fn keys_end(reason: RevokeReason) -> [DeviceEvent; 2] {
    [revoked(START, key_id(1), reason), DeviceEvent::ClaimExpired { at: START, key_id: key_id(2) }]
}

#[test]
fn the_owner_and_the_tenant_may_reclaim_and_every_key_ends() {
    for by in [Reclaimer::Tenant, Reclaimer::Customer(ALICE)] {
        let reclaimed = DeviceEvent::DeviceReclaimed { at: START, customer_id: ALICE, version: 3 };
        let [key, other] = keys_end(RevokeReason::Reclaimed);
        let device = given(owned()).allowed_by_default().when(reclaim(by)).then_events([reclaimed, key, other]);
        let device = device.registered().map(|device| (device.owner_id(), device.keys.len(), device.attribute));
        assert_eq!(device, Some((None, 0, None)));
    }
}

#[test]
fn nobody_else_may_reclaim() {
    given(owned()).when(reclaim(Reclaimer::Customer(BOB))).then_refused(Refusal::NotOwner);
}

#[test]
fn a_reclaim_restores_the_switch_unless_claiming_is_allowed_by_default() {
    let events = || [registered(), assigned(ALICE, None, 1, 2)];
    let reclaimed = || DeviceEvent::DeviceReclaimed { at: START, customer_id: ALICE, version: 3 };
    let switch_on = DeviceEvent::ClaimingAllowed { at: START };
    given(events()).when(reclaim(Reclaimer::Tenant)).then_events([reclaimed(), switch_on]);
    given(events()).allowed_by_default().when(reclaim(Reclaimer::Tenant)).then_events([reclaimed()]);
}

#[test]
fn reclaiming_what_nobody_owns_closes_the_window_for_the_tenant_only() {
    let events = || {
        [
            registered(),
            issued(key_id(1), KeySlot::Device, "k", START.plus(1)),
            issued(key_id(2), KeySlot::AttributeText, "l", START.plus(1)),
        ]
    };
    given(events()).when(reclaim(Reclaimer::Tenant)).then_events([revoked(START, key_id(1), RevokeReason::Withdrawn)]);
    given(events()).when(reclaim(Reclaimer::Customer(ALICE))).then_nothing();
    given([registered()]).when(reclaim(Reclaimer::Tenant)).then_nothing();
}

#[test]
fn an_assignment_ends_every_key_and_names_the_former_owner() {
    let [key, other] = keys_end(RevokeReason::Assigned);
    given(owned()).when(DeviceCommand::AssignDevice { customer_id: BOB }).then_events([
        assigned(BOB, Some(ALICE), 2, 3),
        key,
        other,
    ]);
}

#[test]
fn assigning_to_the_owner_changes_nothing() {
    given(owned()).when(DeviceCommand::AssignDevice { customer_id: ALICE }).then_nothing();
}

#[test]
fn taking_the_device_from_its_owner_ends_every_key() {
    let reasons = [
        (UnassignReason::Unassigned, RevokeReason::Unassigned),
        (UnassignReason::CustomerDeleted, RevokeReason::CustomerDeleted),
    ];
    for (reason, why) in reasons {
        let [key, other] = keys_end(why);
        let unassigned = DeviceEvent::DeviceUnassigned { at: START, customer_id: ALICE, reason, version: 3 };
        given(owned()).when(unassign(reason, None)).then_events([unassigned, key, other]);
    }
}

#[test]
fn only_a_device_with_an_owner_can_be_unassigned() {
    given([registered()]).when(unassign(UnassignReason::Unassigned, None)).then_refused(Refusal::NotAssigned);
}

#[test]
fn deleting_a_customer_leaves_the_devices_of_others_alone() {
    let command = || unassign(UnassignReason::CustomerDeleted, Some(BOB));
    given(owned()).when(command()).then_nothing();
    given([registered()]).when(command()).then_nothing();
}

#[test]
fn assignments_leave_the_switch_alone() {
    for switch in
        [DeviceEvent::ClaimingAllowed { at: START }, DeviceEvent::ClaimingDisallowed { at: START, explicit: true }]
    {
        given([registered(), switch.clone()])
            .when(DeviceCommand::AssignDevice { customer_id: ALICE })
            .then_events([assigned(ALICE, None, 1, 2)]);
        let (customer_id, reason) = (ALICE, UnassignReason::Unassigned);
        given([registered(), assigned(ALICE, None, 1, 2), switch])
            .when(unassign(UnassignReason::Unassigned, None))
            .then_events([DeviceEvent::DeviceUnassigned { at: START, customer_id, reason, version: 3 }]);
    }
}

#[test]
fn a_change_of_owner_takes_an_attribute_away_that_held_no_key() {
    let unreadable = DeviceEvent::IssueRefused {
        at: START,
        origin: deed_domain::device::KeyOrigin::Admin,
        reason: deed_domain::device::IssueRefusedReason::Undecodable,
        key_id: Some(key_id(1)),
        suppressed: 0,
    };
    let device = given([registered(), unreadable])
        .when(DeviceCommand::AssignDevice { customer_id: ALICE })
        .then_events([assigned(ALICE, None, 1, 2)]);
    assert_eq!(device.registered().map(|device| device.attribute), Some(None));
}
