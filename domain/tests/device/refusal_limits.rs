//! Refusals are recorded, and nobody can grow the log with them.

use deed_domain::{
    device::{
        ClaimPolicy, ClaimRefusedReason, CountChange, DeviceCommand, DeviceEvent, IssueRefusedReason, KeyOrigin,
        KeySlot, Reclaimer, Refusal, RefusalKind,
    },
    time::{HOUR, Timestamp},
};

use crate::{given::given, life::Life, people::*};

const NOTHING_BY_ALICE: RefusalKind = RefusalKind::Claim(ALICE, ClaimRefusedReason::NothingToClaim);

fn told(life: &Life) -> Vec<u32> {
    let suppressed = |event: &DeviceEvent| match event {
        DeviceEvent::ClaimRefused { suppressed, .. } | DeviceEvent::IssueRefused { suppressed, .. } => {
            Some(*suppressed)
        }
        _ => None,
    };
    life.log.iter().filter_map(suppressed).collect()
}

#[test]
fn five_refusals_an_hour_have_an_event_of_their_own_and_the_next_tells_the_rest() {
    let mut life = Life::begin(|_| {});
    for _ in 0..12 {
        assert_eq!(life.run(&claim(ALICE, "k")).result, Err(Refusal::NothingToClaim));
    }
    assert_eq!((told(&life), life.waiting(NOTHING_BY_ALICE)), (vec![0; 5], 7));
    life.wait(HOUR - 1);
    life.run(&claim(ALICE, "k"));
    assert_eq!((told(&life), life.waiting(NOTHING_BY_ALICE)), (vec![0; 5], 8));
    life.wait(1);
    life.run(&claim(ALICE, "k"));
    assert_eq!((told(&life), life.waiting(NOTHING_BY_ALICE)), (vec![0, 0, 0, 0, 0, 8], 0));
}

#[test]
fn the_hour_slides() {
    let mut life = Life::begin(|_| {});
    for _ in 0..5 {
        life.run(&claim(ALICE, "k"));
        life.wait(10 * MINUTE);
    }
    // 50 minutes after the first: full until the first is an hour old, then one place is free, not five.
    life.run(&claim(ALICE, "k"));
    assert_eq!(told(&life).len(), 5);
    life.wait(10 * MINUTE);
    (0..3).for_each(|_| drop(life.run(&claim(ALICE, "k"))));
    assert_eq!(told(&life), [0, 0, 0, 0, 0, 1]);
}

#[test]
fn each_actor_and_each_reason_has_its_own_limit() {
    let mut life = Life::begin(|_| {});
    (0..9).for_each(|_| drop(life.run(&claim(ALICE, "k"))));
    (0..9).for_each(|_| drop(life.run(&claim(BOB, "k"))));
    assert_eq!(told(&life).len(), 10);
    life.run(&issue(key_id(1), "k"));
    life.run(&claim(CAROL, "k"));
    (0..9).for_each(|_| drop(life.run(&claim(ALICE, "k"))));
    assert_eq!(told(&life).len(), 15);
    (0..9).for_each(|_| drop(life.run(&issue(key_id(2), "k"))));
    assert_eq!(told(&life).len(), 20);
}

#[test]
fn a_device_that_may_not_register_is_told_every_time_and_recorded_five_times() {
    let mut life = Life::begin(|policy| policy.allow_by_default = false);
    for _ in 0..50 {
        assert_eq!(life.run(&issue(key_id(1), "k")).result, Err(Refusal::ClaimingNotAllowed));
    }
    assert_eq!(told(&life), [0; 5]);
    let kind = RefusalKind::Issue(KeyOrigin::Device, IssueRefusedReason::NotAllowed);
    assert_eq!(life.waiting(kind), 45);
}

#[test]
fn a_locked_claimant_is_told_every_time_and_recorded_five_times() {
    let mut life = Life::begin(|_| {});
    life.run(&add_key(key_id(1), KeySlot::Additional, "right", Timestamp::MAX));
    (0..5).for_each(|_| drop(life.run(&claim(ALICE, "wrong"))));
    let before = told(&life).len();
    for _ in 0..50 {
        assert!(matches!(life.run(&claim(ALICE, "right")).result, Err(Refusal::ClaimantLocked { .. })));
    }
    assert_eq!(told(&life).len() - before, ClaimPolicy::REFUSAL_EVENTS);
    assert_eq!(life.waiting(RefusalKind::Claim(ALICE, ClaimRefusedReason::Locked)), 45);
}

#[test]
fn counts_stay_at_the_end_of_their_range() {
    let refused = DeviceEvent::ClaimRefused {
        at: START,
        customer_id: ALICE,
        user_id: user_of(ALICE),
        reason: ClaimRefusedReason::NothingToClaim,
        failures: 0,
        suppressed: 0,
        alert: None,
    };
    let events = std::iter::once(registered()).chain(std::iter::repeat_n(refused, 5));
    given(events)
        .suppressed(NOTHING_BY_ALICE, u32::MAX)
        .when(claim(ALICE, "k"))
        .and_counts([CountChange::Suppressed(NOTHING_BY_ALICE, u32::MAX)])
        .then_refused(Refusal::NothingToClaim);
    let wrong = RefusalKind::Claim(ALICE, ClaimRefusedReason::WrongKey);
    let guessed = DeviceEvent::ClaimRefused {
        at: START,
        customer_id: ALICE,
        user_id: user_of(ALICE),
        reason: ClaimRefusedReason::WrongKey,
        failures: 1,
        suppressed: 0,
        alert: None,
    };
    let flooded = given([registered(), issued(key_id(1), KeySlot::Device, "k", START), guessed])
        .suppressed(wrong, u32::MAX)
        .guesses(START, u32::MAX)
        .policy(|policy| policy.guess_limit_overall = 0)
        .when(claim(ALICE, "wrong"));
    let failures = flooded.events().iter().find_map(|event| match event {
        DeviceEvent::ClaimRefused { failures, .. } => Some(*failures),
        _ => None,
    });
    assert_eq!(failures, Some(u32::MAX));
}

#[test]
fn a_success_leaves_what_waits_for_the_next_refusal_to_tell() {
    let mut life = Life::begin(|policy| policy.guess_limit = 0);
    life.run(&add_key(key_id(1), KeySlot::Additional, "right", Timestamp::MAX));
    (0..9).for_each(|_| drop(life.run(&claim(ALICE, "wrong"))));
    let wrong = RefusalKind::Claim(ALICE, ClaimRefusedReason::WrongKey);
    assert_eq!(life.run(&claim(ALICE, "right")).result, Ok(()));
    assert_eq!(life.waiting(wrong), 4);
    // The count of failures begins anew, so the next wrong key is told, with those that waited.
    life.run(&DeviceCommand::ReclaimDevice { by: Reclaimer::Tenant });
    life.run(&add_key(key_id(2), KeySlot::Additional, "next", Timestamp::MAX));
    let step = life.run(&claim(ALICE, "wrong"));
    assert!(matches!(step.events[..], [DeviceEvent::ClaimRefused { failures: 1, suppressed: 4, .. }]));
    assert_eq!(life.waiting(wrong), 0);
}
