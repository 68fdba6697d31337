//! Wrong keys: who has to wait for how long, and who never does.

use deed_domain::{
    device::{
        ClaimPolicy, ClaimRefusedReason, CountChange, DeviceCommand, DeviceEvent, GuessWindow, KeySlot, LockScope,
        Reclaimer, Refusal, RefusalKind,
    },
    ids::CustomerId,
    time::{DAY, HOUR, Timestamp},
};

use crate::{
    given::given,
    life::{Life, Step},
    people::*,
};

/// A device whose key is "right" and lasts.
fn with_key(change: impl FnOnce(&mut ClaimPolicy)) -> Life {
    let mut life = Life::begin(change);
    let step = life.run(&add_key(key_id(1), KeySlot::Additional, "right", Timestamp::MAX));
    assert_eq!(step.result, Ok(()));
    life
}

fn guess(life: &mut Life, customer: CustomerId) -> Step {
    life.run(&claim(customer, "wrong"))
}

fn locks(step: &Step) -> Vec<(Timestamp, LockScope)> {
    let lock = |event: &DeviceEvent| match event {
        DeviceEvent::ClaimantLocked { until, scope, .. } => Some((*until, *scope)),
        _ => None,
    };
    step.events.iter().filter_map(lock).collect()
}

fn alert(step: &Step) -> Option<u32> {
    step.events.iter().find_map(|event| match event {
        DeviceEvent::ClaimRefused { alert, .. } => *alert,
        _ => None,
    })
}

/// Guesses until the claimant is locked on this device; the guesses that it took.
fn guess_until_locked(life: &mut Life, customer: CustomerId) -> usize {
    (1..100).find(|_| !locks(&guess(life, customer)).is_empty()).unwrap_or_default()
}

#[test]
fn the_last_wrong_key_of_the_limit_locks_the_claimant_out_of_the_device() {
    let mut life = with_key(|_| {});
    for n in 1..5 {
        let step = guess(&mut life, ALICE);
        assert_eq!(step.result, Err(Refusal::WrongKey));
        assert!(matches!(step.events[..], [DeviceEvent::ClaimRefused { failures, .. }] if failures == n));
    }
    let fifth = guess(&mut life, ALICE);
    let until = START.plus(MINUTE);
    assert_eq!(fifth.result, Err(Refusal::WrongKey));
    assert_eq!(locks(&fifth), [(until, LockScope::Device)]);
    assert_eq!(guess(&mut life, ALICE).result, Err(Refusal::ClaimantLocked { until }));
}

#[test]
fn a_lock_holds_against_the_right_key_until_its_time_and_not_longer() {
    let mut life = with_key(|_| {});
    guess_until_locked(&mut life, ALICE);
    life.wait(MINUTE - 1);
    let until = START.plus(MINUTE);
    assert_eq!(life.run(&claim(ALICE, "right")).result, Err(Refusal::ClaimantLocked { until }));
    life.wait(1);
    assert_eq!(life.run(&claim(ALICE, "right")).result, Ok(()));
}

#[test]
fn nobody_else_waits_and_nothing_is_burnt() {
    let mut life = with_key(|_| {});
    guess_until_locked(&mut life, ALICE);
    assert_eq!(life.run(&claim(BOB, "right")).result, Ok(()));
}

#[test]
fn each_further_wrong_key_doubles_the_lock_up_to_an_hour() {
    let mut life = with_key(|policy| policy.guess_limit_overall = 0);
    guess_until_locked(&mut life, ALICE);
    life.wait(MINUTE);
    for minutes in [2, 4, 8, 16, 32, 60, 60, 60] {
        let step = guess(&mut life, ALICE);
        assert_eq!(locks(&step), [(life.now.plus(minutes * MINUTE), LockScope::Device)]);
        life.wait(minutes * MINUTE);
    }
}

#[test]
fn a_day_without_a_wrong_key_is_a_new_beginning() {
    let mut life = with_key(|_| {});
    guess_until_locked(&mut life, ALICE);
    life.wait(DAY + 1);
    let again = guess_until_locked(&mut life, ALICE);
    assert_eq!(again, 5);
    assert_eq!(locks_until(&life).last(), Some(&life.now.plus(MINUTE)), "the first lock's length again");
}

fn locks_until(life: &Life) -> Vec<Timestamp> {
    let until = |event: &DeviceEvent| match event {
        DeviceEvent::ClaimantLocked { until, .. } => Some(*until),
        _ => None,
    };
    life.log.iter().filter_map(until).collect()
}

#[test]
fn a_success_resets_the_devices_count() {
    let mut life = with_key(|_| {});
    (0..4).for_each(|_| drop(guess(&mut life, ALICE)));
    assert_eq!(life.run(&claim(ALICE, "right")).result, Ok(()));
    life.run(&DeviceCommand::ReclaimDevice { by: Reclaimer::Tenant });
    life.run(&add_key(key_id(2), KeySlot::Additional, "next", Timestamp::MAX));
    assert_eq!(guess_until_locked(&mut life, ALICE), 5);
}

#[test]
fn a_success_resets_what_was_counted_beside_the_log_too() {
    // With so high a limit, wrong keys are counted beside the log before they lock.
    let mut life = with_key(|policy| policy.guess_limit = 12);
    (0..11).for_each(|_| drop(guess(&mut life, ALICE)));
    assert_eq!(life.run(&claim(ALICE, "right")).result, Ok(()));
    life.run(&DeviceCommand::ReclaimDevice { by: Reclaimer::Tenant });
    life.run(&add_key(key_id(2), KeySlot::Additional, "next", Timestamp::MAX));
    assert_eq!(guess_until_locked(&mut life, ALICE), 12);
}

#[test]
fn wrong_keys_without_an_event_of_their_own_count_towards_the_lock() {
    let mut life = with_key(|policy| (policy.guess_limit, policy.guess_limit_overall) = (12, 0));
    assert_eq!(guess_until_locked(&mut life, ALICE), 12);
    assert_eq!(told_wrong_keys(&life).last(), Some(&(5, 0)), "five were told");
    let locked = life.log.iter().rev().find_map(|event| match event {
        DeviceEvent::ClaimantLocked { failures, .. } => Some(*failures),
        _ => None,
    });
    assert_eq!(locked, Some(12), "the lock tells how many there were");
}

/// Failures and suppressed ones of each wrong key that has an event of its own.
fn told_wrong_keys(life: &Life) -> Vec<(usize, usize)> {
    let told = |event: &DeviceEvent| match event {
        DeviceEvent::ClaimRefused { failures, suppressed, .. } if *failures > 0 => {
            Some((*failures as usize, *suppressed as usize))
        }
        _ => None,
    };
    life.log.iter().filter_map(told).collect()
}

#[test]
fn a_lock_is_told_without_a_refusal_beyond_the_limit_and_nothing_is_counted_twice() {
    let mut life = with_key(|policy| policy.alert_threshold = 0);
    let mut guesses = guess_until_locked(&mut life, ALICE);
    // As soon as a lock ends it is tried again.
    while let Some(next) = locks_until(&life).last().copied().filter(|until| *until < START.plus(60 * MINUTE)) {
        life.now = next;
        assert_eq!(guess(&mut life, ALICE).result, Err(Refusal::WrongKey));
        guesses += 1;
    }
    assert_eq!(guesses, 10);
    assert_eq!(told_wrong_keys(&life).len(), 5, "within the hour");
    assert_eq!(locks_until(&life).len(), 6, "from the fifth on each one locks");

    life.now = *locks_until(&life).last().unwrap();
    assert_eq!(guess(&mut life, ALICE).result, Err(Refusal::WrongKey));
    guesses += 1;
    assert_eq!(told_wrong_keys(&life).last(), Some(&(guesses, guesses - 6)), "the next hour tells how many there were");
}

#[test]
fn zero_switches_the_limits_off() {
    let mut life = with_key(|policy| {
        (policy.guess_limit, policy.guess_limit_overall, policy.alert_threshold) = (0, 0, 0);
    });
    for _ in 0..200 {
        let step = guess(&mut life, ALICE);
        assert_eq!(step.result, Err(Refusal::WrongKey));
        assert_eq!((locks(&step), alert(&step)), (Vec::new(), None));
    }
    assert_eq!(life.run(&claim(ALICE, "right")).result, Ok(()));
}

#[test]
fn switching_the_limit_off_lifts_the_lock() {
    let mut life = with_key(|_| {});
    guess_until_locked(&mut life, ALICE);
    life.policy.guess_limit = 0;
    assert_eq!(life.run(&claim(ALICE, "right")).result, Ok(()));
}

#[test]
fn a_key_that_ran_out_is_not_guessed() {
    let mut life = Life::begin(|_| {});
    assert_eq!(life.run(&add_key(key_id(1), KeySlot::Additional, "right", START.plus(MINUTE))).result, Ok(()));
    life.now = START.plus(MINUTE + 1);
    assert_eq!(life.run(&claim(ALICE, "right")).result, Err(Refusal::KeyExpired));
    assert_eq!(guess_until_locked(&mut life, ALICE), 5);
    assert!(matches!(life.run(&claim(ALICE, "right")).result, Err(Refusal::ClaimantLocked { .. })));
    assert_eq!(life.run(&claim(BOB, "right")).result, Err(Refusal::KeyExpired));

    // Beside a key that works, one that ran out is a wrong one.
    assert_eq!(life.run(&add_key(key_id(2), KeySlot::Additional, "other", Timestamp::MAX)).result, Ok(()));
    assert_eq!(life.run(&claim(BOB, "right")).result, Err(Refusal::WrongKey));
}

#[test]
fn what_is_no_guess_never_locks() {
    // Nothing to claim, then an owner who tries: neither says anything about a key.
    let mut life = Life::begin(|_| {});
    (0..20).for_each(|_| assert_eq!(guess(&mut life, ALICE).result, Err(Refusal::NothingToClaim)));
    life.run(&issue(key_id(1), "k"));
    assert_eq!(life.run(&claim(ALICE, "k")).result, Ok(()));
    for customer in [ALICE, BOB] {
        (0..20).for_each(|_| assert_eq!(guess(&mut life, customer).result, Err(Refusal::AlreadyClaimed)));
    }
    assert_eq!(locks_until(&life), []);
}

#[test]
fn too_many_wrong_keys_over_all_devices_lock_the_claimant_out_of_all() {
    let events = || [registered(), issued(key_id(1), KeySlot::Device, "right", Timestamp::MAX)];
    let began = START.plus(-HOUR + 1);
    let over = began.plus(HOUR);
    let refusal = |failures| DeviceEvent::ClaimRefused {
        at: START,
        customer_id: ALICE,
        user_id: user_of(ALICE),
        reason: ClaimRefusedReason::WrongKey,
        failures,
        suppressed: 0,
        alert: None,
    };
    let lock = DeviceEvent::ClaimantLocked {
        at: START,
        customer_id: ALICE,
        until: over,
        failures: 1,
        scope: LockScope::AllDevices,
    };
    let counted = |count| [CountChange::Guesses(ALICE, GuessWindow { since: began, count })];

    given(events())
        .guesses(began, 48)
        .when(claim(ALICE, "wrong"))
        .and_counts(counted(49))
        .then_refused_with(Refusal::WrongKey, [refusal(1)]);
    given(events())
        .guesses(began, 49)
        .when(claim(ALICE, "wrong"))
        .and_counts(counted(50))
        .then_refused_with(Refusal::WrongKey, [refusal(1), lock]);
    let locked = DeviceEvent::ClaimRefused {
        at: START,
        customer_id: ALICE,
        user_id: user_of(ALICE),
        reason: ClaimRefusedReason::Locked,
        failures: 0,
        suppressed: 0,
        alert: None,
    };
    given(events())
        .guesses(began, 50)
        .when(claim(ALICE, "right"))
        .and_counts([])
        .then_refused_with(Refusal::ClaimantLocked { until: over }, [locked]);
}

#[test]
fn the_hour_over_all_devices_ends() {
    let device = || {
        given([registered(), issued(key_id(1), KeySlot::Device, "right", Timestamp::MAX)])
            .guesses(START.plus(-HOUR), 50)
    };
    let claimed = device().when(claim(ALICE, "right")).then_accepted();
    assert_eq!(claimed.registered().and_then(|device| device.owner_id()), Some(ALICE));
    let begun_anew = GuessWindow { since: START, count: 1 };
    device().when(claim(ALICE, "wrong")).and_counts([CountChange::Guesses(ALICE, begun_anew)]);
}

#[test]
fn many_wrong_keys_by_whomever_raise_one_alert_an_hour() {
    let mut life = with_key(|policy| (policy.guess_limit, policy.alert_threshold) = (0, 6));
    let customers = [ALICE, BOB, CAROL];
    let alerts = |life: &mut Life, guesses: usize| -> Vec<u32> {
        (0..guesses).filter_map(|n| alert(&guess(life, customers[n % 3]))).collect()
    };
    assert_eq!(alerts(&mut life, 5), [0_u32; 0]);
    assert_eq!(alerts(&mut life, 1), [6]);
    assert_eq!(alerts(&mut life, 30), [0_u32; 0]);
    life.wait(HOUR);
    assert_eq!(alerts(&mut life, 5), [0_u32; 0]);
    assert_eq!(alerts(&mut life, 1), [6]);
}

#[test]
fn the_alert_counts_what_has_no_event_of_its_own_over_all_claimants() {
    let mut life = with_key(|policy| (policy.guess_limit, policy.alert_threshold) = (0, 20));
    let raised: Vec<(usize, u32)> = (1..=20)
        .filter_map(|n| {
            let customer = if n % 2 == 0 { ALICE } else { BOB };
            alert(&guess(&mut life, customer)).map(|count| (n, count))
        })
        .collect();
    assert_eq!(raised, [(20, 20)]);
}

#[test]
fn wrong_keys_wait_to_be_told_by_claimant() {
    let mut life = with_key(|policy| (policy.guess_limit, policy.alert_threshold) = (0, 0));
    (0..8).for_each(|_| drop(guess(&mut life, ALICE)));
    (0..6).for_each(|_| drop(guess(&mut life, BOB)));
    let waiting = |customer| life.waiting(RefusalKind::Claim(customer, ClaimRefusedReason::WrongKey));
    assert_eq!((waiting(ALICE), waiting(BOB), waiting(CAROL)), (3, 1, 0));
}
