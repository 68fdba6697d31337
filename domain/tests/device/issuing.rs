//! Keys that become active: from the device, in the attribute, beside it; the switch `claimingAllowed`.

use deed_domain::{
    device::{
        ClaimPolicy, DeviceCommand, DeviceEvent, IssueRefusedReason, KeyEnd, KeyOrigin, KeySlot, Refusal, RevokeReason,
    },
    ids::Epoch,
    time::{DAY, HOUR, Timestamp},
};

use crate::{given::given, people::*};

const SWITCH_ON: DeviceEvent = DeviceEvent::ClaimingAllowed { at: START };

fn refused(origin: KeyOrigin, reason: IssueRefusedReason) -> DeviceEvent {
    DeviceEvent::IssueRefused { at: START, origin, reason, key_id: None, suppressed: 0 }
}

fn owned() -> [DeviceEvent; 2] {
    let epoch = Epoch(1);
    [registered(), DeviceEvent::DeviceAssigned { at: START, customer_id: ALICE, previous: None, epoch, version: 2 }]
}

#[test]
fn a_device_needs_the_switch_unless_claiming_is_allowed_by_default() {
    let issued = || issued(key_id(1), KeySlot::Device, "k", START.plus(HOUR));
    let issue = || issue(key_id(1), "k");
    let not_allowed = || refused(KeyOrigin::Device, IssueRefusedReason::NotAllowed);
    let switch_off = DeviceEvent::ClaimingDisallowed { at: START, explicit: true };
    let switch_gone = DeviceEvent::ClaimingDisallowed { at: START, explicit: false };

    given([registered()]).when(issue()).then_refused_with(Refusal::ClaimingNotAllowed, [not_allowed()]);
    given([registered(), SWITCH_ON]).when(issue()).then_events([issued()]);
    for off in [switch_off, switch_gone] {
        let events = || [registered(), SWITCH_ON, off.clone()];
        given(events()).when(issue()).then_refused_with(Refusal::ClaimingNotAllowed, [not_allowed()]);
        // In this mode the switch is not looked at, not even where it says no.
        given(events()).allowed_by_default().when(issue()).then_events([issued()]);
    }
}

#[test]
fn a_device_with_an_owner_cannot_register_a_key() {
    let already = refused(KeyOrigin::Device, IssueRefusedReason::AlreadyClaimed);
    given(owned())
        .allowed_by_default()
        .when(issue(key_id(1), "k"))
        .then_refused_with(Refusal::AlreadyClaimed, [already]);
}

#[test]
fn a_gateway_issues_for_the_device_in_its_own_name() {
    let command =
        DeviceCommand::IssueFromDevice { key_id: key_id(1), origin: KeyOrigin::Gateway, key: key("k"), duration_ms: 1 };
    let not_allowed = refused(KeyOrigin::Gateway, IssueRefusedReason::NotAllowed);
    given([registered()]).when(command).then_refused_with(Refusal::ClaimingNotAllowed, [not_allowed]);
}

#[test]
fn a_gateway_that_is_another_ones_is_refused_and_recorded() {
    let refuse = || DeviceCommand::RefuseGateway;
    let recorded = refused(KeyOrigin::Gateway, IssueRefusedReason::OtherGateway);
    given([registered()]).allowed_by_default().when(refuse()).then_refused_with(Refusal::NotItsGateway, [recorded]);
    let already = refused(KeyOrigin::Gateway, IssueRefusedReason::AlreadyClaimed);
    given(owned()).when(refuse()).then_refused_with(Refusal::AlreadyClaimed, [already]);
}

#[test]
fn the_newest_key_of_the_device_wins() {
    let old = issued(key_id(1), KeySlot::Device, "old", START.plus(1));
    let other = issued(key_id(2), KeySlot::Additional, "other", START.plus(1));
    let device = given([registered(), SWITCH_ON, old, other]).when(issue(key_id(3), "new")).then_events([
        revoked(START, key_id(1), RevokeReason::Superseded),
        issued(key_id(3), KeySlot::Device, "new", START.plus(HOUR)),
    ]);
    let ids = device.registered().map(|device| device.keys.iter().map(|key| key.key_id).collect::<Vec<_>>());
    assert_eq!(ids, Some(vec![key_id(2), key_id(3)]));
}

#[test]
fn the_same_key_again_restarts_its_time() {
    let old = issued(key_id(1), KeySlot::Device, "k", START.plus(1));
    given([registered(), SWITCH_ON, old]).when(issue(key_id(2), "k")).then_events([
        revoked(START, key_id(1), RevokeReason::Superseded),
        issued(key_id(2), KeySlot::Device, "k", START.plus(HOUR)),
    ]);
}

#[test]
fn a_key_whose_time_ran_out_expires_when_the_next_takes_its_place() {
    let old = issued(key_id(1), KeySlot::Device, "old", START.plus(-1));
    given([registered(), SWITCH_ON, old]).when(issue(key_id(2), "new")).then_events([
        DeviceEvent::ClaimExpired { at: START, key_id: key_id(1) },
        issued(key_id(2), KeySlot::Device, "new", START.plus(HOUR)),
    ]);
}

#[test]
fn durations_are_defaulted_and_capped() {
    let lives = |text: &str, asked: i64, change: fn(&mut ClaimPolicy), expected: i64| {
        given([registered()])
            .allowed_by_default()
            .policy(change)
            .when(issue_for(key_id(1), text, asked))
            .then_events([issued(key_id(1), KeySlot::Device, text, START.plus(expected))]);
    };
    lives("k", 1, |_| {}, 1);
    lives("k", 0, |policy| policy.default_duration_ms = 7, 7);
    lives("k", -1, |policy| policy.default_duration_ms = 7, 7);
    lives("k", i64::MIN, |_| {}, DAY);
    lives("k", DAY + 1, |_| {}, DAY);
    lives("k", i64::MAX, |_| {}, DAY);
    lives("k", 0, |policy| policy.max_duration_ms = 5, 5);
    // The empty key has a shorter life of its own, and never a longer one.
    lives("", 0, |_| {}, HOUR);
    lives("", HOUR - 1, |_| {}, HOUR - 1);
    lives("", i64::MAX, |policy| policy.max_duration_ms = 5, 5);
}

#[test]
fn an_expiry_beyond_the_end_of_time_is_the_end_of_time() {
    given([registered()])
        .allowed_by_default()
        .policy(|policy| policy.max_duration_ms = i64::MAX)
        .when(issue_for(key_id(1), "k", i64::MAX))
        .then_events([issued(key_id(1), KeySlot::Device, "k", Timestamp::MAX)]);
}

#[test]
fn the_attribute_holds_one_key_whatever_its_form() {
    let text = issued(key_id(1), KeySlot::AttributeText, "old", START.plus(1));
    given([registered(), text]).when(add_key(key_id(2), KeySlot::AttributeObject, "new", START.plus(9))).then_events([
        revoked(START, key_id(1), RevokeReason::Superseded),
        issued(key_id(2), KeySlot::AttributeObject, "new", START.plus(9)),
    ]);
}

#[test]
fn an_attribute_of_the_past_reads_back_and_no_key_comes_of_it() {
    let device =
        given([registered()]).when(add_key(key_id(1), KeySlot::AttributeText, "k", Timestamp(0))).then_events([
            issued(key_id(1), KeySlot::AttributeText, "k", Timestamp(0)),
            DeviceEvent::ClaimExpired { at: START, key_id: key_id(1) },
        ]);
    let device = device.registered().map(|device| (device.keys.len(), device.claiming_attributes().len()));
    assert_eq!(device, Some((0, 1)));
}

/// As on the device's side: whoever sets it, it opens the device to everybody who knows its name.
#[test]
fn an_attribute_with_the_empty_key_is_cut_like_the_device_s_own() {
    let write = |ends| add_key(key_id(1), KeySlot::AttributeObject, "", ends);
    let held = |until| issued(key_id(1), KeySlot::AttributeObject, "", until);
    given([registered()]).when(write(Timestamp::MAX)).then_events([held(START.plus(HOUR))]);
    given([registered()]).when(write(START.plus(5))).then_events([held(START.plus(5))]);
    given([registered()])
        .policy(|policy| policy.empty_key_max_duration_ms = 7)
        .when(write(START.plus(8)))
        .then_events([held(START.plus(7))]);
}

#[test]
fn an_unreadable_attribute_replaces_the_key_that_stood_there() {
    let events = [registered(), issued(key_id(1), KeySlot::AttributeText, "k", START.plus(1))];
    let undecodable = DeviceEvent::IssueRefused {
        at: START,
        origin: KeyOrigin::Admin,
        reason: IssueRefusedReason::Undecodable,
        key_id: Some(key_id(2)),
        suppressed: 0,
    };
    let device = given(events)
        .when(DeviceCommand::RefuseClaimingData { key_id: key_id(2) })
        .then_events([revoked(START, key_id(1), RevokeReason::Superseded), undecodable]);
    let attributes = device.registered().map(|device| device.claiming_attributes());
    assert_eq!(attributes.map(|all| all.iter().map(|one| one.value.clone()).collect()), Some(vec!["***".into()]));
}

#[test]
fn deleting_the_attribute_is_told_whatever_it_held() {
    let gone = |id| revoked(START, id, RevokeReason::Withdrawn);
    given([registered(), issued(key_id(1), KeySlot::AttributeText, "k", START.plus(1))])
        .when(DeviceCommand::ClearClaimingData)
        .then_events([gone(key_id(1))]);
    let expired = DeviceEvent::ClaimExpired { at: START, key_id: key_id(1) };
    let device = given([registered(), issued(key_id(1), KeySlot::AttributeText, "k", START.plus(-1)), expired])
        .when(DeviceCommand::ClearClaimingData)
        .then_events([gone(key_id(1))]);
    assert_eq!(device.registered().map(|device| device.claiming_attributes()), Some(Vec::new()));
    given([registered()]).when(DeviceCommand::ClearClaimingData).then_nothing();
}

#[test]
fn attributes_show_no_secret() {
    let events = [
        registered(),
        SWITCH_ON,
        issued(key_id(1), KeySlot::AttributeObject, "S3CR3T", START.plus(9)),
        issued(key_id(2), KeySlot::Device, "S3CR3T", START.plus(7)),
    ];
    let device = crate::given::fold(&events);
    let shown: Vec<String> = device.registered().map_or_else(Vec::new, |device| {
        device.claiming_attributes().iter().map(|one| format!("{}={}", one.key, one.value)).collect()
    });
    let (data, device_side) = (START.plus(9), START.plus(7));
    assert_eq!(
        shown,
        [
            "claimingAllowed=true".to_owned(),
            format!(r#"claimingData={{"expirationTime":{data},"secretKey":"***"}}"#),
            format!("expirationTime={device_side}"),
        ]
    );
}

#[test]
fn additional_keys_stand_side_by_side_up_to_a_limit() {
    let keys = |count: usize, expires_at| {
        let key = move |n| issued(key_id(n as u128), KeySlot::Additional, &format!("k{n}"), expires_at);
        std::iter::once(registered()).chain((0..count).map(key)).collect::<Vec<_>>()
    };
    let one_more = || add_key(key_id(99), KeySlot::Additional, "new", START.plus(1));
    let added = || issued(key_id(99), KeySlot::Additional, "new", START.plus(1));
    let most = ClaimPolicy::MAX_ADDITIONAL_KEYS;
    assert_eq!(most, 32);
    given(keys(most - 1, START)).when(one_more()).then_events([added()]);
    given(keys(most, START)).when(one_more()).then_refused(Refusal::TooManyKeys);
    // Keys whose time ran out take no room, recorded or not.
    given(keys(most, START.plus(-1))).when(one_more()).then_events([added()]);
    // The attribute and the device side have places of their own.
    let attribute = add_key(key_id(99), KeySlot::AttributeText, "new", START.plus(1));
    given(keys(most, START)).when(attribute).then_events([issued(
        key_id(99),
        KeySlot::AttributeText,
        "new",
        START.plus(1),
    )]);
}

#[test]
fn an_additional_key_must_be_able_to_work() {
    let window = |not_before: Option<Timestamp>, expires_at| DeviceCommand::IssueFromAdmin {
        key_id: key_id(1),
        slot: KeySlot::Additional,
        key: key("k"),
        not_before,
        ends: expires_at,
    };
    let until = |not_before, time: Timestamp| window(not_before, time.into());
    given([registered()]).when(until(None, START.plus(-1))).then_refused(Refusal::KeyNeverValid);
    given([registered()]).when(until(Some(START.plus(6)), START.plus(5))).then_refused(Refusal::KeyNeverValid);
    given([registered()]).when(until(None, START)).then_events([issued(key_id(1), KeySlot::Additional, "k", START)]);
    let mut for_one_millisecond = issued(key_id(1), KeySlot::Additional, "k", START.plus(5));
    if let DeviceEvent::ClaimIssued { not_before, .. } = &mut for_one_millisecond {
        *not_before = Some(START.plus(5));
    }
    given([registered()]).when(until(Some(START.plus(5)), START.plus(5))).then_events([for_one_millisecond.clone()]);
    // A duration counts from the key's beginning, by the time of the log.
    given([registered()]).when(window(Some(START.plus(5)), KeyEnd::After(0))).then_events([for_one_millisecond]);
    given([registered()]).when(window(None, KeyEnd::After(7))).then_events([issued(
        key_id(1),
        KeySlot::Additional,
        "k",
        START.plus(7),
    )]);
}

#[test]
fn an_administrator_issues_without_the_switch_and_on_an_owned_device() {
    let command = || add_key(key_id(1), KeySlot::AttributeText, "k", START.plus(1));
    let issued = || issued(key_id(1), KeySlot::AttributeText, "k", START.plus(1));
    given([registered()]).when(command()).then_events([issued()]);
    given(owned()).when(command()).then_events([issued()]);
}

#[test]
fn withdrawing_a_key_names_one_that_is_active() {
    let events = || {
        let (attribute, expired) = (key_id(1), key_id(2));
        [
            registered(),
            issued(attribute, KeySlot::AttributeText, "k", START.plus(1)),
            issued(expired, KeySlot::Additional, "l", START.plus(-1)),
        ]
    };
    let withdraw = |key_id| DeviceCommand::RevokeKey { key_id };
    let device =
        given(events()).when(withdraw(key_id(1))).then_events([revoked(START, key_id(1), RevokeReason::Withdrawn)]);
    assert_eq!(device.registered().map(|device| device.attribute), Some(None), "the attribute goes with its key");
    let ran_out = DeviceEvent::ClaimExpired { at: START, key_id: key_id(2) };
    given(events()).when(withdraw(key_id(2))).then_events([ran_out]);
    given(events()).when(withdraw(key_id(3))).then_refused(Refusal::KeyNotFound);
}

#[test]
fn the_switch_can_be_set_and_taken_away() {
    let off = |explicit| DeviceEvent::ClaimingDisallowed { at: START, explicit };
    given([registered()]).when(DeviceCommand::AllowClaiming).then_events([SWITCH_ON]);
    given([registered()]).when(DeviceCommand::DisallowClaiming).then_events([off(true)]);
    given([registered()]).when(DeviceCommand::ClearClaimingSwitch).then_nothing();
    for set in [SWITCH_ON, off(true)] {
        let device = given([registered(), set]).when(DeviceCommand::ClearClaimingSwitch).then_events([off(false)]);
        assert_eq!(device.registered().map(|device| device.switch), Some(None));
    }
}
