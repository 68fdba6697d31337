//! What holds whatever is asked of a device, in whatever order.

use std::collections::BTreeMap;

use deed_domain::{
    device::{
        ClaimRefusedReason, Device, DeviceCommand, DeviceEvent, KeyOrigin, KeySlot, OwnerChange, Reclaimer,
        RefusalKind, Registered, UnassignReason,
    },
    ids::{CustomerId, Epoch, KeyId},
    time::{HOUR, Timestamp},
};
use proptest::prelude::*;

use crate::{given::fold, life::Life, people::*};

const CUSTOMERS: [CustomerId; 3] = [ALICE, BOB, CAROL];
const KEYS: [&str; 4] = ["", "a", "b", "c"];

fn customer() -> impl Strategy<Value = CustomerId> {
    prop::sample::select(CUSTOMERS.to_vec())
}

fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(KEYS.to_vec())
}

fn owner_change() -> impl Strategy<Value = OwnerChange> {
    prop_oneof![Just(OwnerChange::Keep), Just(OwnerChange::Clear), customer().prop_map(OwnerChange::SetTo)]
}

/// Any command but registration. Ids of keys are set when it is run, as a caller draws a new one each time.
fn command() -> impl Strategy<Value = DeviceCommand> {
    let slot =
        prop::sample::select(KeySlot::ALL.iter().copied().filter(|slot| *slot != KeySlot::Device).collect::<Vec<_>>());
    let from_admin = (slot, text(), -5..90_i64, prop::option::of(-5..90_i64));
    prop_oneof![
        6 => (customer(), text()).prop_map(|(customer, text)| claim(customer, text)),
        4 => (text(), -5..90_i64).prop_map(|(text, minutes)| issue_for(key_id(0), text, minutes * MINUTE)),
        4 => from_admin.prop_map(|(slot, text, until, from)| DeviceCommand::IssueFromAdmin {
            key_id: key_id(0),
            slot,
            key: key(text),
            not_before: from.map(|minutes| START.plus(minutes * MINUTE)),
            ends: START.plus(until * MINUTE).into(),
        }),
        1 => Just(DeviceCommand::AllowClaiming),
        1 => Just(DeviceCommand::DisallowClaiming),
        1 => Just(DeviceCommand::ClearClaimingSwitch),
        1 => Just(DeviceCommand::RefuseClaimingData { key_id: key_id(0) }),
        1 => Just(DeviceCommand::ClearClaimingData),
        1 => (0..20_u128).prop_map(|n| DeviceCommand::RevokeKey { key_id: key_id(n) }),
        2 => Just(DeviceCommand::ExpireKeys),
        1 => Just(DeviceCommand::ReclaimDevice { by: Reclaimer::Tenant }),
        1 => customer().prop_map(|customer| DeviceCommand::ReclaimDevice { by: Reclaimer::Customer(customer) }),
        1 => customer().prop_map(|customer_id| DeviceCommand::AssignDevice { customer_id }),
        1 => prop::option::of(customer()).prop_map(|only_from| DeviceCommand::UnassignDevice {
            reason: UnassignReason::CustomerDeleted,
            only_from,
        }),
        1 => (owner_change(), prop::option::of(0..9_u32)).prop_map(|(owner, expected_version)| {
            DeviceCommand::ChangeDevice {
                expected_version,
                name: "D-2".into(),
                device_type: "default".into(),
                label: None,
                profile_id: PROFILE,
                owner,
            }
        }),
    ]
}

/// Commands, each with the minutes that pass before it.
fn commands(most: usize) -> impl Strategy<Value = Vec<(i64, DeviceCommand)>> {
    prop::collection::vec((prop_oneof![6 => Just(0_i64), 1 => 1..90_i64], command()), 0..most)
}

fn numbered(command: DeviceCommand, id: KeyId) -> DeviceCommand {
    match command {
        DeviceCommand::IssueFromDevice { origin, key, duration_ms, .. } => {
            DeviceCommand::IssueFromDevice { key_id: id, origin, key, duration_ms }
        }
        DeviceCommand::IssueFromAdmin { slot, key, not_before, ends, .. } => {
            DeviceCommand::IssueFromAdmin { key_id: id, slot, key, not_before, ends }
        }
        DeviceCommand::RefuseClaimingData { .. } => DeviceCommand::RefuseClaimingData { key_id: id },
        other => other,
    }
}

fn live(life: &mut Life, commands: Vec<(i64, DeviceCommand)>) {
    for (n, (minutes, command)) in commands.into_iter().enumerate() {
        life.wait(minutes * MINUTE);
        let owner_before = owner(&life.device);
        let version_before = version(&life.device);
        let step = life.run(&numbered(command, key_id(n as u128)));
        if owner(&life.device) != owner_before {
            assert_eq!(life.device.registered().map(|device| device.keys.len()), Some(0), "{:?}", step.events);
        }
        assert!(version(&life.device) >= version_before);
        if let Some(device) = life.device.registered() {
            places_are_taken_once(device);
        }
    }
}

fn owner(device: &Device) -> Option<(CustomerId, Epoch)> {
    device.registered()?.owner.as_ref().map(|owner| (owner.customer_id, owner.epoch))
}

fn version(device: &Device) -> u32 {
    device.registered().map_or(u32::MAX, |device| device.version)
}

fn places_are_taken_once(device: &Registered) {
    let taken = |place: fn(KeySlot) -> bool| device.keys.iter().filter(|key| place(key.slot)).count();
    assert!(taken(|slot| slot == KeySlot::Device) <= 1);
    assert!(taken(KeySlot::is_attribute) <= 1);
    assert!(device.owner.is_none() || taken(|slot| slot == KeySlot::Device) == 0);
}

/// Every event can have followed those before it.
fn check_stream(log: &[DeviceEvent]) {
    let mut device = Device::default();
    let mut last = Timestamp(i64::MIN);
    for event in log {
        assert!(event.at() >= last, "time goes on: {event:?}");
        last = event.at();
        assert_eq!(device.contradiction(event), None, "{event:?} after {device:?}");
        device.evolve(event);
    }
}

proptest! {
    #[test]
    fn every_stream_makes_sense(commands in commands(60), allow_by_default: bool) {
        let mut life = Life::begin(|policy| policy.allow_by_default = allow_by_default);
        live(&mut life, commands);
        check_stream(&life.log);
    }

    #[test]
    fn folding_the_log_gives_the_state_that_was_decided_on(commands in commands(60)) {
        let mut life = Life::begin(|_| {});
        live(&mut life, commands);
        prop_assert_eq!(&fold(&life.log), &life.device);
        // A snapshot of the state is as good as the state.
        let snapshot = serde_json::to_string(&life.device).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let restored: Device = serde_json::from_str(&snapshot).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(restored, life.device);
    }

    #[test]
    fn nothing_follows_a_removal(before in commands(20), after in commands(20)) {
        let mut life = Life::begin(|_| {});
        live(&mut life, before);
        life.run(&DeviceCommand::RemoveDevice);
        let length = life.log.len();
        for (_, command) in after {
            life.run(&command);
        }
        life.run(&register(None));
        prop_assert_eq!(life.log.len(), length);
        prop_assert_eq!(life.device, Device::Removed);
    }

    #[test]
    fn of_many_customers_with_the_key_one_wins(order in prop::collection::vec(0..30_u128, 1..90), wrong in 0..3_usize) {
        let mut life = Life::begin(|_| {});
        life.run(&issue(key_id(1), "k"));
        let customer = |n: u128| CustomerId(uuid::Uuid::from_u128(n + 1));
        let mut winners = BTreeMap::new();
        for (turn, n) in order.iter().enumerate() {
            let right = turn >= wrong;
            let step = life.run(&claim(customer(*n), if right { "k" } else { "x" }));
            match step.result {
                Ok(()) => *winners.entry(customer(*n)).or_insert(0) += 1,
                Err(refusal) if right => prop_assert_eq!(refusal.code(), "already_claimed"),
                Err(refusal) => prop_assert_eq!(refusal.code(), "wrong_key"),
            }
        }
        let claimed = life.log.iter().filter(|event| matches!(event, DeviceEvent::DeviceClaimed { .. })).count();
        prop_assert_eq!(winners.len(), usize::from(order.len() > wrong));
        prop_assert_eq!(claimed, winners.len());
        prop_assert_eq!(owner(&life.device).map(|(owner, _)| owner), winners.into_keys().next());
    }

    #[test]
    fn every_refusal_is_told_once_or_waits_to_be_told(
        attempts in prop::collection::vec((0..8_i64, customer(), text(), any::<bool>()), 0..200),
        guess_limit in 0..12_u32,
        alert_threshold in 0..9_u32,
    ) {
        let mut life = Life::begin(|policy| {
            (policy.guess_limit, policy.alert_threshold, policy.guess_limit_overall) = (guess_limit, alert_threshold, 25);
        });
        life.run(&add_key(key_id(1), KeySlot::Additional, "c", START.plus(5 * HOUR)));
        life.policy.allow_by_default = false;
        let mut refused = 0_u64;
        for (minutes, customer, text, from_device) in attempts {
            life.wait(minutes * MINUTE);
            let command = if from_device { issue(key_id(2), text) } else { claim(customer, text) };
            let result = life.run(&command).result;
            refused += u64::from(result.is_err());
            if result.is_ok() {
                life.run(&DeviceCommand::ReclaimDevice { by: Reclaimer::Tenant });
                life.run(&DeviceCommand::ClearClaimingSwitch);
                life.run(&add_key(key_id(3), KeySlot::Additional, "c", START.plus(5 * HOUR)));
            }
        }
        let told: u64 = life.log.iter().map(|event| match event {
            DeviceEvent::ClaimRefused { suppressed, .. } | DeviceEvent::IssueRefused { suppressed, .. } => {
                u64::from(*suppressed) + 1
            }
            _ => 0,
        }).sum();
        let claimant = |customer| ClaimRefusedReason::ALL.iter().map(move |reason| RefusalKind::Claim(customer, *reason));
        let device = [deed_domain::device::IssueRefusedReason::NotAllowed].map(|reason| RefusalKind::Issue(KeyOrigin::Device, reason));
        let kinds = CUSTOMERS.into_iter().flat_map(claimant).chain(device);
        let waiting: u64 = kinds.map(|kind| u64::from(life.waiting(kind))).sum();
        prop_assert_eq!(told + waiting, refused);
    }

    #[test]
    fn an_attacker_cannot_grow_the_log(
        attempts in prop::collection::vec((0..30_000_i64, text(), any::<bool>()), 200..600),
        guess_limit in 0..8_u32,
        alert_threshold in 0..9_u32,
        owned: bool,
        keyed: bool,
    ) {
        let mut life = Life::begin(|policy| {
            (policy.guess_limit, policy.alert_threshold) = (guess_limit, alert_threshold);
        });
        if owned {
            life.run(&DeviceCommand::AssignDevice { customer_id: BOB });
        }
        if keyed {
            life.run(&add_key(key_id(1), KeySlot::Additional, "unguessed", Timestamp::MAX));
        }
        life.policy.allow_by_default = false;
        let before = life.log.len();
        for (milliseconds, text, claims) in attempts {
            life.wait(milliseconds);
            let command = if claims { claim(ALICE, text) } else {
                DeviceCommand::ReclaimDevice { by: Reclaimer::Customer(ALICE) }
            };
            life.run(&command);
        }
        // In any hour: five of each reason of a claim that fails, and what is always told: six locks of this device
        // (1, 2, 4, 8, 16 and 32 minutes fit), two of all devices and two alerts, each beside a refusal.
        let bound = 5 * ClaimRefusedReason::ALL.len() + 2 * (6 + 2) + 2;
        let attack = &life.log[before..];
        for event in attack {
            let hour = attack.iter().filter(|other| (0..HOUR).contains(&other.at().since(event.at()))).count();
            prop_assert!(hour <= bound, "{hour} events in an hour");
        }
    }
}
