//! Read models that are written with the events.

use std::collections::BTreeSet;

use deed_domain::{
    claim_key::ClaimKey,
    claims::{
        ClaimingChange, ClaimingData, Claims, DataChange, DeviceChange, Failure, NewKey, ProfileChoice, SwitchChange,
    },
    device::{DeviceCommand, KeyEnd, OwnerChange, Reclaimer},
    ids::{DeviceId, Position},
    metadata::{Actor, Caller},
    ports::{AppendError, DeviceIdentity},
    time::{HOUR, Timestamp},
};
use deed_projections::{
    ActiveKeyRow, ActiveKeys, ClaimHistory, DeviceList, Ownership,
    testing::{History, InMemoryActiveKeys, InMemoryClaimHistory, InMemoryDeviceList, InMemoryOwnership, read_model},
};

use super::{
    Factory,
    world::{START, TENANT, World, caller, claim, command, customer, named, rename},
};

/// Work of all kinds in an order that looks like chance and is the same every time.
pub async fn read_models_follow_from_the_log_at_any_moment(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let mut dice = Dice(0x5eed);
    for step in 0..400_u32 {
        work(&world, &mut dice).await;
        if step % 20 == 0 {
            check(&world).await;
        }
        if step % 150 == 149 {
            world.reopen().await;
            check(&world).await;
        }
    }
    check(&world).await;
    let steps: BTreeSet<_> = world.log().await.into_iter().map(|event| event.event_type).collect();
    assert!(steps.len() >= 13, "the work was of many kinds, but only {steps:?}");
}

/// Numbers that look like chance (a linear congruential generator, its high bits).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// One use case; being refused is part of the work.
async fn work(world: &World<'_>, dice: &mut Dice) {
    let claims: Claims = world.claims();
    let by = caller();
    let name = format!("D-{}", dice.roll(5));
    let text = ["", "a", "b"][usize::try_from(dice.roll(3)).unwrap()];
    let customer = customer(u128::from(dice.roll(3)));
    let later = world.clock_now().plus(i64::try_from(dice.roll(90)).unwrap() * 60_000);
    world.wait(i64::try_from(dice.roll(10)).unwrap() * 60_000);
    let Some(row) = world.store.device_named(TENANT, &name).await.unwrap() else {
        claims.register(&by, TENANT, named(&name)).await.unwrap();
        return;
    };
    let device = DeviceIdentity::new(TENANT, row.device_id);
    let key = || Some(ClaimKey::new(text));
    let attribute = |switch, data| ClaimingChange { switch, data };
    let result = match dice.roll(14) {
        0 | 1 => {
            let by = Caller { actor: Actor::Device(device.device_id), ..by };
            claims.issue_from_device(&by, device, ClaimKey::new(text), 30 * 60_000).await.map(drop)
        }
        2 => claims.add_key(&by, device, NewKey { key: key(), not_before: None, ends: later.into() }).await.map(drop),
        3 => {
            let content = serde_json::json!({ "secretKey": text, "expirationTime": later.0 });
            let data = ClaimingData::parse(&content.to_string()).map_or(DataChange::Undecodable, DataChange::Set);
            claims.write_attributes(&by, device, attribute(Some(SwitchChange::Allow), Some(data)), Vec::new()).await
        }
        4 => {
            let change = attribute(Some(SwitchChange::Clear), Some(DataChange::Clear));
            claims.write_attributes(&by, device, change, Vec::new()).await
        }
        5 => {
            let change = attribute(Some(SwitchChange::Disallow), Some(DataChange::Undecodable));
            claims.write_attributes(&by, device, change, Vec::new()).await
        }
        6..=8 => claim(&claims, &name, customer, text).await.map(drop),
        9 => claims.reclaim(&by, TENANT, &name, Reclaimer::Tenant).await.map(drop),
        10 => claims.assign(&by, TENANT, device.device_id, customer).await.map(drop),
        11 => claims.unassign(&by, TENANT, device.device_id).await.map(drop),
        12 => claims.expire(&by, device).await.map(drop),
        _ if dice.roll(3) == 0 => claims.remove(&by, TENANT, device.device_id).await.map(drop),
        _ => {
            let change = DeviceChange {
                expected_version: None,
                name: format!("D-{}", dice.roll(5)),
                profile: ProfileChoice::Named("thermostat".to_owned()),
                label: Some(text.to_owned()),
                owner: OwnerChange::SetTo(customer),
                additional_info: None,
                credentials: None,
            };
            claims.change(&by, TENANT, device.device_id, change).await.map(drop)
        }
    };
    match result {
        Ok(()) | Err(Failure::Refused(_) | Failure::NotAppended(AppendError::Taken(_))) => {}
        Err(other) => panic!("{other}"),
    }
}

/// Every answer of the read models is the one that the log gives.
async fn check(world: &World<'_>) {
    let log = world.log().await;
    let devices: BTreeSet<DeviceId> = log.iter().map(|event| event.device_id).collect();
    let history = History::from_recorded(log);
    let list: InMemoryDeviceList = read_model::<DeviceList, _>(&history).unwrap();
    let ownership: InMemoryOwnership = read_model::<Ownership, _>(&history).unwrap();
    let keys: InMemoryActiveKeys = read_model::<ActiveKeys, _>(&history).unwrap();
    let steps: InMemoryClaimHistory = read_model::<ClaimHistory, _>(&history).unwrap();

    let store = &world.store;
    assert_eq!(store.device_count().await.unwrap(), list.rows().map(|_| 1).sum::<u64>());
    for row in list.rows() {
        assert_eq!(store.device_named(row.tenant_id, &row.name).await.unwrap().as_ref(), Some(row));
    }
    assert_eq!(store.active_key_count().await.unwrap(), keys.rows().map(|_| 1).sum::<u64>());
    assert_eq!(store.next_expiry().await.unwrap(), keys.rows().map(|key| key.expires_at).min());
    for device_id in devices {
        assert_eq!(store.device(device_id).await.unwrap().as_ref(), list.device(device_id));
        assert_eq!(store.ownerships(device_id).await.unwrap(), ownership.ownerships(device_id));
        let mut oldest_first: Vec<ActiveKeyRow> = keys.of_device(device_id).cloned().collect();
        oldest_first.sort_by_key(|key| (key.issued_at, key.key_id));
        assert_eq!(store.active_keys(device_id).await.unwrap(), oldest_first);
        let expected: Vec<_> = steps.of_device(device_id, Position(0)).cloned().collect();
        let mut read = Vec::new();
        loop {
            let after = read.last().map_or(Position(0), |row: &deed_projections::ClaimHistoryRow| row.position);
            let page = store.claim_history(device_id, after, 7).await.unwrap();
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= 7);
            read.extend(page);
        }
        assert_eq!(read, expected);
    }
}

/// What an append was answered is what the next read shows, from many tasks at once.
pub async fn a_reader_sees_what_a_writer_was_told(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let mut devices = Vec::new();
    for n in 0..8 {
        devices.push((n, world.register(&format!("D-{n}")).await));
    }
    let tasks: Vec<_> = devices
        .into_iter()
        .map(|(n, device_id)| {
            let store = world.store.clone();
            tokio::spawn(async move {
                for version in 2..40 {
                    let name = format!("D-{n}-{version}");
                    store.append(command(device_id, rename(&name))).await.unwrap();
                    let row = store.device(device_id).await.unwrap().unwrap();
                    assert_eq!((row.version, row.name.as_str()), (version, name.as_str()));
                    let named = store.device_named(TENANT, &name).await.unwrap();
                    assert_eq!(named.map(|row| row.device_id), Some(device_id));
                }
                let removed = store.append(command(device_id, DeviceCommand::RemoveDevice)).await.unwrap();
                assert_eq!(store.device(device_id).await.unwrap(), None);
                assert!(store.head().await.unwrap() >= removed.position);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(world.store.device_count().await.unwrap(), 0);
}

/// Longest overdue first, each device once, and only after the last millisecond of its key.
pub async fn devices_with_expired_keys_are_due(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let claims = world.claims();
    let mut devices = Vec::new();
    for (name, lives) in [("D-1", vec![30, 10, 20]), ("D-2", vec![5]), ("D-3", vec![]), ("D-4", vec![15])] {
        let device_id = world.register(name).await;
        for (n, life) in lives.into_iter().enumerate() {
            let key = Some(ClaimKey::new(format!("k{n}")));
            let new = NewKey { key, not_before: None, ends: KeyEnd::After(life) };
            claims.add_key(&caller(), DeviceIdentity::new(TENANT, device_id), new).await.unwrap();
        }
        devices.push(device_id);
    }
    let due = async |now: Timestamp, limit| {
        let due = world.store.take_due(now, limit).await.unwrap();
        assert!(due.iter().all(|due| due.tenant_id == TENANT));
        due.into_iter().map(|due| due.device_id).collect::<Vec<_>>()
    };
    let (all, none) = (START.plus(HOUR), Vec::<DeviceId>::new());
    assert_eq!(world.store.next_expiry().await.unwrap(), Some(START.plus(5)));
    assert_eq!(due(START.plus(5), 9).await, none);
    assert_eq!(due(START.plus(6), 9).await, [devices[1]]);
    assert_eq!(due(all, 9).await, [devices[1], devices[0], devices[3]]);
    for limit in 1..9 {
        let some = due(all, limit).await;
        assert!(!some.is_empty() && some.len() <= limit);
        assert_eq!(some, [devices[1], devices[0], devices[3]][..some.len()]);
    }
    world.clock.set(all);
    for device_id in [devices[1], devices[0], devices[3]] {
        claims.expire(&caller(), DeviceIdentity::new(TENANT, device_id)).await.unwrap();
    }
    assert_eq!(due(all, 9).await, none);
    assert_eq!(world.store.next_expiry().await.unwrap(), None);
}
