//! The aggregate through cqrs-es: its test framework drives ours over a whole life.

use cqrs_es::{Aggregate, DomainEvent, test::TestFramework};
use deed_domain::{
    codec,
    device::{
        ClaimPolicy, ClaimRefusedReason, ClaimantCounts, DatedCommand, Device, DeviceCommand, DeviceEvent, Facts,
        KeySlot, Reclaimer, Refusal, RevokeReason,
    },
    ids::Epoch,
    time::{HOUR, Timestamp},
};

use crate::people::*;

fn dated(now: Timestamp, command: DeviceCommand) -> DatedCommand {
    let facts = Facts { now, policy: ClaimPolicy::default(), counts: ClaimantCounts::default() };
    DatedCommand { command, facts }
}

#[test]
fn a_device_is_registered_allowed_issued_claimed_reclaimed_and_removed() {
    let steps = [
        (register(None), vec![registered()]),
        (DeviceCommand::AllowClaiming, vec![DeviceEvent::ClaimingAllowed { at: START }]),
        (issue(key_id(1), "k"), vec![issued(key_id(1), KeySlot::Device, "k", START.plus(HOUR))]),
        (
            claim(ALICE, "k"),
            vec![
                DeviceEvent::DeviceClaimed {
                    at: START,
                    customer_id: ALICE,
                    user_id: user_of(ALICE),
                    key_id: key_id(1),
                    epoch: Epoch(1),
                    version: 2,
                },
                revoked(START, key_id(1), RevokeReason::Used),
                DeviceEvent::ClaimingDisallowed { at: START, explicit: false },
            ],
        ),
        (
            DeviceCommand::ReclaimDevice { by: Reclaimer::Customer(ALICE) },
            vec![
                DeviceEvent::DeviceReclaimed { at: START, customer_id: ALICE, version: 3 },
                DeviceEvent::ClaimingAllowed { at: START },
            ],
        ),
        (DeviceCommand::RemoveDevice, vec![DeviceEvent::DeviceRemoved { at: START }]),
    ];
    let mut past = Vec::new();
    for (command, expected) in steps {
        TestFramework::<Device>::with(())
            .given(past.clone())
            .when(dated(START, command))
            .then_expect_events(expected.clone());
        past.extend(expected);
    }
    TestFramework::<Device>::with(())
        .given(past)
        .when(dated(START, claim(ALICE, "k")))
        .then_expect_error(Refusal::DeviceNotFound);
}

#[test]
fn a_refusal_that_leaves_an_event_keeps_it() {
    let refused = DeviceEvent::ClaimRefused {
        at: START,
        customer_id: ALICE,
        user_id: user_of(ALICE),
        reason: ClaimRefusedReason::NothingToClaim,
        failures: 0,
        suppressed: 0,
        alert: None,
    };
    TestFramework::<Device>::with(())
        .given(vec![registered()])
        .when(dated(START, claim(ALICE, "k")))
        .then_expect_events(vec![refused]);
}

#[test]
fn types_and_versions_are_those_that_are_stored() {
    assert_eq!(Device::TYPE, "device");
    let event = registered();
    assert_eq!(
        (event.event_type(), event.event_version()),
        (codec::event_type(&event).to_owned(), codec::current_version(&event).to_owned())
    );
}
