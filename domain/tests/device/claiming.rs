//! A customer presents a key.

use deed_domain::{
    claim_key::PresentedKey,
    device::{
        ClaimRefusedReason, DeviceCommand, DeviceEvent, IssueRefusedReason, KeyOrigin, KeySlot, Refusal, RevokeReason,
    },
    ids::{CustomerId, Epoch, KeyId},
    time::Timestamp,
};

use crate::{given::given, people::*};

fn claimed(customer_id: CustomerId, key_id: KeyId, epoch: u32, version: u32) -> DeviceEvent {
    let (at, user_id, epoch) = (START, user_of(customer_id), Epoch(epoch));
    DeviceEvent::DeviceClaimed { at, customer_id, user_id, key_id, epoch, version }
}

fn assigned(customer_id: CustomerId) -> DeviceEvent {
    DeviceEvent::DeviceAssigned { at: START, customer_id, previous: None, epoch: Epoch(1), version: 2 }
}

fn refused(customer_id: CustomerId, reason: ClaimRefusedReason) -> DeviceEvent {
    let failures = u32::from(reason == ClaimRefusedReason::WrongKey);
    let user_id = user_of(customer_id);
    DeviceEvent::ClaimRefused { at: START, customer_id, user_id, reason, failures, suppressed: 0, alert: None }
}

fn with_key(slot: KeySlot, text: &str, expires_at: Timestamp) -> Vec<DeviceEvent> {
    vec![registered(), issued(key_id(1), slot, text, expires_at)]
}

/// The device after ALICE claimed it with the key "k".
fn claimed_by_alice() -> Vec<DeviceEvent> {
    let mut events = with_key(KeySlot::Device, "k", START.plus(1));
    events.push(claimed(ALICE, key_id(1), 1, 2));
    events.push(revoked(START, key_id(1), RevokeReason::Used));
    events
}

#[test]
fn who_never_may_claim_is_refused_on_record_whatever_the_key() {
    let try_it = DeviceCommand::RefuseClaim { customer_id: ALICE, user_id: user_of(ALICE) };
    let not_allowed = refused(ALICE, ClaimRefusedReason::NotAllowed);
    for device in [vec![registered()], with_key(KeySlot::Device, "k", START), claimed_by_alice()] {
        given(device).when(try_it.clone()).then_refused_with(Refusal::ClaimingNotAllowed, [not_allowed.clone()]);
    }
    given([]).when(try_it).then_refused(Refusal::DeviceNotFound);
}

#[test]
fn any_active_key_claims_the_device_and_all_of_them_end() {
    let keys = || {
        [
            registered(),
            issued(key_id(1), KeySlot::Device, "a", START.plus(1)),
            issued(key_id(2), KeySlot::AttributeText, "b", START.plus(1)),
            issued(key_id(3), KeySlot::Additional, "c", START.plus(1)),
            issued(key_id(4), KeySlot::Additional, "d", START.plus(-1)),
        ]
    };
    for (n, text) in [(1, "a"), (2, "b"), (3, "c")] {
        let ended = |id| {
            let reason = if id == n { RevokeReason::Used } else { RevokeReason::Claimed };
            revoked(START, key_id(id), reason)
        };
        let device = given(keys()).when(claim(ALICE, text)).then_events([
            claimed(ALICE, key_id(n), 1, 2),
            ended(1),
            ended(2),
            ended(3),
            DeviceEvent::ClaimExpired { at: START, key_id: key_id(4) },
        ]);
        let device = device.registered().map(|device| (device.owner_id(), device.keys.len(), device.attribute));
        assert_eq!(device, Some((Some(ALICE), 0, None)));
    }
}

#[test]
fn a_key_works_up_to_and_including_its_last_millisecond() {
    let at = |now| given(with_key(KeySlot::Device, "k", START)).at(now).when(claim(ALICE, "k"));
    let (success, used) = (claimed(ALICE, key_id(1), 1, 2), revoked(START, key_id(1), RevokeReason::Used));
    at(START).then_events([success, used]);
    let late = DeviceEvent::ClaimRefused {
        at: START.plus(1),
        customer_id: ALICE,
        user_id: user_of(ALICE),
        reason: ClaimRefusedReason::Expired,
        failures: 0,
        suppressed: 0,
        alert: None,
    };
    at(START.plus(1)).then_refused_with(Refusal::KeyExpired, [late]);
}

#[test]
fn a_key_works_from_its_first_millisecond_on() {
    let from = |first| {
        let mut events = with_key(KeySlot::Additional, "k", START.plus(9));
        if let Some(DeviceEvent::ClaimIssued { not_before, .. }) = events.last_mut() {
            *not_before = Some(first);
        }
        given(events).when(claim(ALICE, "k"))
    };
    from(START).then_events([claimed(ALICE, key_id(1), 1, 2), revoked(START, key_id(1), RevokeReason::Used)]);
    from(START.plus(1))
        .then_refused_with(Refusal::NothingToClaim, [refused(ALICE, ClaimRefusedReason::NothingToClaim)]);
}

#[test]
fn a_key_that_does_not_work_yet_ends_with_the_others() {
    let mut events = with_key(KeySlot::Device, "now", START);
    let mut later = issued(key_id(2), KeySlot::Additional, "later", START.plus(9));
    if let DeviceEvent::ClaimIssued { not_before, .. } = &mut later {
        *not_before = Some(START.plus(5));
    }
    events.push(later);
    given(events).when(claim(ALICE, "now")).then_events([
        claimed(ALICE, key_id(1), 1, 2),
        revoked(START, key_id(1), RevokeReason::Used),
        revoked(START, key_id(2), RevokeReason::Claimed),
    ]);
}

#[test]
fn an_expired_or_mismatching_key_does_not_hide_a_valid_one() {
    let attribute = issued(key_id(2), KeySlot::AttributeText, "b", START.plus(1));
    for device_side in [START.plus(-1), START.plus(1)] {
        let mut events = with_key(KeySlot::Device, "a", device_side);
        events.push(attribute.clone());
        let device = given(events).when(claim(ALICE, "b"));
        let ended = if device_side < START {
            DeviceEvent::ClaimExpired { at: START, key_id: key_id(1) }
        } else {
            revoked(START, key_id(1), RevokeReason::Claimed)
        };
        let used = revoked(START, key_id(2), RevokeReason::Used);
        device.then_events([claimed(ALICE, key_id(2), 1, 2), ended, used]);
    }
}

#[test]
fn the_empty_key_opens_only_what_has_the_empty_key() {
    let empty = || with_key(KeySlot::Device, "", START.plus(1));
    given(empty())
        .when(claim(ALICE, ""))
        .then_events([claimed(ALICE, key_id(1), 1, 2), revoked(START, key_id(1), RevokeReason::Used)]);
    given(empty())
        .when(claim(ALICE, "k"))
        .then_refused_with(Refusal::WrongKey, [refused(ALICE, ClaimRefusedReason::WrongKey)]);
    given(with_key(KeySlot::Device, "k", START))
        .when(claim(ALICE, ""))
        .then_refused_with(Refusal::WrongKey, [refused(ALICE, ClaimRefusedReason::WrongKey)]);
}

#[test]
fn keys_compare_exactly() {
    for near in ["K", "k ", "kk"] {
        given(with_key(KeySlot::Device, "k", START))
            .when(claim(ALICE, near))
            .then_refused_with(Refusal::WrongKey, [refused(ALICE, ClaimRefusedReason::WrongKey)]);
    }
}

#[test]
fn a_key_outlives_the_rotation_of_peppers() {
    let rotated = PresentedKey::new(vec![peppered("p2", "k"), peppered("p1", "k")], false);
    let command = |key| DeviceCommand::ClaimDevice { customer_id: ALICE, user_id: user_of(ALICE), key };
    given(with_key(KeySlot::Device, "k", START))
        .when(command(rotated))
        .then_events([claimed(ALICE, key_id(1), 1, 2), revoked(START, key_id(1), RevokeReason::Used)]);
    given(with_key(KeySlot::Device, "k", START))
        .when(command(PresentedKey::new(vec![peppered("p2", "k")], false)))
        .then_refused_with(Refusal::WrongKey, [refused(ALICE, ClaimRefusedReason::WrongKey)]);
}

#[test]
fn a_device_without_a_key_has_nothing_to_claim() {
    given([registered()])
        .when(claim(ALICE, "k"))
        .then_refused_with(Refusal::NothingToClaim, [refused(ALICE, ClaimRefusedReason::NothingToClaim)]);
}

#[test]
fn a_claim_takes_the_switch_away_in_both_modes() {
    let switch_on = DeviceEvent::ClaimingAllowed { at: START };
    let switch_off = DeviceEvent::ClaimingDisallowed { at: START, explicit: true };
    for switch in [switch_on, switch_off] {
        for allow_by_default in [false, true] {
            let mut events = with_key(KeySlot::Device, "k", START);
            events.push(switch.clone());
            let device = given(events)
                .policy(|policy| policy.allow_by_default = allow_by_default)
                .when(claim(ALICE, "k"))
                .then_events([
                    claimed(ALICE, key_id(1), 1, 2),
                    revoked(START, key_id(1), RevokeReason::Used),
                    DeviceEvent::ClaimingDisallowed { at: START, explicit: false },
                ]);
            assert_eq!(device.registered().map(|device| device.switch), Some(None));
        }
    }
}

#[test]
fn a_claim_does_not_ask_for_the_switch() {
    given(with_key(KeySlot::AttributeText, "k", START))
        .when(claim(ALICE, "k"))
        .then_events([claimed(ALICE, key_id(1), 1, 2), revoked(START, key_id(1), RevokeReason::Used)]);
}

#[test]
fn whoever_comes_second_is_told_that_the_device_is_claimed() {
    for text in ["k", "wrong"] {
        given(claimed_by_alice())
            .when(claim(BOB, text))
            .then_refused_with(Refusal::AlreadyClaimed, [refused(BOB, ClaimRefusedReason::AlreadyClaimed)]);
    }
}

#[test]
fn the_owner_repeats_the_claim_and_nothing_happens() {
    given(claimed_by_alice()).when(claim(ALICE, "k")).then_nothing();
    // It stays a success long after, and while a lock holds.
    let locked = DeviceEvent::ClaimantLocked {
        at: START,
        customer_id: ALICE,
        until: START.plus(MINUTE),
        failures: 5,
        scope: deed_domain::device::LockScope::Device,
    };
    let events = claimed_by_alice().into_iter().chain([locked]);
    given(events).when(claim(ALICE, "k")).then_nothing();
}

#[test]
fn the_owner_with_any_other_key_is_told_that_the_device_is_claimed() {
    let mut events = claimed_by_alice();
    events.push(issued(key_id(2), KeySlot::AttributeText, "other", START.plus(1)));
    for text in ["other", "wrong", ""] {
        given(events.clone())
            .when(claim(ALICE, text))
            .then_refused_with(Refusal::AlreadyClaimed, [refused(ALICE, ClaimRefusedReason::AlreadyClaimed)]);
    }
}

#[test]
fn the_repeat_counts_only_for_the_ownership_that_the_key_made() {
    let mut events = claimed_by_alice();
    events.push(DeviceEvent::DeviceAssigned {
        at: START,
        customer_id: BOB,
        previous: Some(ALICE),
        epoch: Epoch(2),
        version: 3,
    });
    let back =
        DeviceEvent::DeviceAssigned { at: START, customer_id: ALICE, previous: Some(BOB), epoch: Epoch(3), version: 4 };
    let told = |who| [refused(who, ClaimRefusedReason::AlreadyClaimed)];
    given(events.clone()).when(claim(ALICE, "k")).then_refused_with(Refusal::AlreadyClaimed, told(ALICE));
    events.push(back);
    given(events).when(claim(ALICE, "k")).then_refused_with(Refusal::AlreadyClaimed, told(ALICE));
}

#[test]
fn on_a_device_with_an_owner_the_right_key_is_told_from_a_wrong_one() {
    let events = || vec![registered(), assigned(ALICE), issued(key_id(1), KeySlot::AttributeText, "k", START)];
    given(events())
        .when(claim(BOB, "k"))
        .then_refused_with(Refusal::AlreadyClaimed, [refused(BOB, ClaimRefusedReason::AlreadyClaimed)]);
    given(events())
        .when(claim(BOB, "wrong"))
        .then_refused_with(Refusal::WrongKey, [refused(BOB, ClaimRefusedReason::WrongKey)]);
}

#[test]
fn on_a_device_with_an_owner_an_expired_key_is_told_as_expired() {
    let unrecorded =
        vec![registered(), assigned(ALICE), issued(key_id(1), KeySlot::AttributeText, "k", START.plus(-1))];
    let mut recorded = unrecorded.clone();
    recorded.push(DeviceEvent::ClaimExpired { at: START, key_id: key_id(1) });
    for events in [unrecorded, recorded] {
        given(events)
            .when(claim(BOB, "k"))
            .then_refused_with(Refusal::KeyExpired, [refused(BOB, ClaimRefusedReason::Expired)]);
    }
}

#[test]
fn on_a_device_with_an_owner_claiming_data_that_is_no_use_is_a_failure() {
    let expired = vec![
        registered(),
        assigned(ALICE),
        issued(key_id(1), KeySlot::AttributeText, "k", START.plus(-1)),
        DeviceEvent::ClaimExpired { at: START, key_id: key_id(1) },
    ];
    given(expired)
        .when(claim(BOB, "wrong"))
        .then_refused_with(Refusal::WrongKey, [refused(BOB, ClaimRefusedReason::WrongKey)]);
    let unreadable = DeviceEvent::IssueRefused {
        at: START,
        origin: KeyOrigin::Admin,
        reason: IssueRefusedReason::Undecodable,
        key_id: Some(key_id(1)),
        suppressed: 0,
    };
    given([registered(), assigned(ALICE), unreadable])
        .when(claim(BOB, "k"))
        .then_refused_with(Refusal::NothingToClaim, [refused(BOB, ClaimRefusedReason::NothingToClaim)]);
}

#[test]
fn an_old_key_never_works_again_after_reclaim() {
    let mut events = claimed_by_alice();
    events.push(DeviceEvent::DeviceReclaimed { at: START, customer_id: ALICE, version: 3 });
    given(events.clone())
        .when(claim(ALICE, "k"))
        .then_refused_with(Refusal::NothingToClaim, [refused(ALICE, ClaimRefusedReason::NothingToClaim)]);
    events.push(issued(key_id(2), KeySlot::Device, "new", START.plus(1)));
    given(events.clone())
        .when(claim(BOB, "k"))
        .then_refused_with(Refusal::WrongKey, [refused(BOB, ClaimRefusedReason::WrongKey)]);
    given(events)
        .when(claim(BOB, "new"))
        .then_events([claimed(BOB, key_id(2), 2, 4), revoked(START, key_id(2), RevokeReason::Used)]);
}
