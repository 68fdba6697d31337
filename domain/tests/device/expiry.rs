//! Keys whose time runs out.

use deed_domain::{
    device::{ClaimRefusedReason, DeviceCommand, DeviceEvent, KeySlot, Refusal},
    time::Timestamp,
};

use crate::{given::given, life::Life, people::*};

#[test]
fn only_keys_whose_last_millisecond_has_passed_expire() {
    let expired = |n| DeviceEvent::ClaimExpired { at: START, key_id: key_id(n) };
    let events = [
        registered(),
        issued(key_id(1), KeySlot::Device, "a", START.plus(-1)),
        issued(key_id(2), KeySlot::AttributeText, "b", START),
        issued(key_id(3), KeySlot::Additional, "c", Timestamp(0)),
    ];
    let device = given(events).when(DeviceCommand::ExpireKeys).then_events([expired(1), expired(3)]);
    assert_eq!(device.registered().map(|device| device.keys.len()), Some(1));
}

#[test]
fn there_may_be_nothing_left_to_expire() {
    given([registered()]).when(DeviceCommand::ExpireKeys).then_nothing();
}

#[test]
fn the_holder_of_an_expired_key_is_told_so_before_and_after_it_is_recorded() {
    let mut life = Life::begin(|_| {});
    life.run(&issue_for(key_id(1), "k", 100));
    life.wait(101);
    assert_eq!(life.run(&claim(ALICE, "k")).result, Err(Refusal::KeyExpired));
    assert_eq!(life.run(&DeviceCommand::ExpireKeys).events.len(), 1);
    assert_eq!(life.run(&claim(ALICE, "k")).result, Err(Refusal::KeyExpired));
    assert_eq!(life.run(&claim(ALICE, "other")).result, Err(Refusal::WrongKey));
}

#[test]
fn an_expired_key_beside_an_active_one_is_a_wrong_one() {
    let mut life = Life::begin(|_| {});
    life.run(&issue_for(key_id(1), "old", 100));
    life.wait(101);
    life.run(&issue(key_id(2), "new"));
    let step = life.run(&claim(ALICE, "old"));
    assert_eq!(step.result, Err(Refusal::WrongKey));
    assert!(matches!(
        step.events[..],
        [DeviceEvent::ClaimRefused { reason: ClaimRefusedReason::WrongKey, failures: 1, .. }]
    ));
}

#[test]
fn of_expired_keys_a_bounded_number_is_remembered() {
    let mut life = Life::begin(|_| {});
    for n in 0..40 {
        let text = format!("k{n}");
        life.run(&add_key(key_id(n), KeySlot::Additional, &text, life.now));
        life.wait(1);
        life.run(&DeviceCommand::ExpireKeys);
    }
    assert_eq!(life.device.registered().map(|device| device.expired.len()), Some(8));
    assert_eq!(life.run(&claim(ALICE, "k39")).result, Err(Refusal::KeyExpired));
    assert_eq!(life.run(&claim(ALICE, "k0")).result, Err(Refusal::WrongKey));
}
