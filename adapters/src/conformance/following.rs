//! The log in order, by pages and by subscription.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use deed_domain::{
    credentials::NewCredentials,
    device::DeviceCommand,
    ids::{DeviceId, Position},
    ports::{Append, DeviceIdentity, DeviceWatcher, RecordedEvent, Scope, Subscription, Target, Written},
    time::Timestamp,
};
use tokio::time::{sleep, timeout};

use super::{
    Factory,
    world::{
        OTHER_TENANT, START, TENANT, World, append, caller, command, named, new_device, nothing, register, rename,
    },
};

/// Longer than any store takes, shorter than anybody waits for a test.
const LONG: Duration = Duration::from_secs(20);
/// Long enough to see that nothing comes.
const SHORT: Duration = Duration::from_millis(100);

fn allow(device_id: DeviceId) -> Append {
    command(device_id, DeviceCommand::AllowClaiming)
}

async fn register_in_other_tenant(world: &World<'_>, name: &str) -> DeviceId {
    let device_id = new_device();
    let mut append = command(device_id, register(OTHER_TENANT, name));
    append.metadata.tenant_id = OTHER_TENANT;
    world.store.append(append).await.unwrap();
    device_id
}

/// Three devices of two tenants, their events mixed.
async fn mixed(world: &World<'_>) -> [DeviceId; 3] {
    let devices =
        [world.register("D-1").await, world.register("D-2").await, register_in_other_tenant(world, "D-1").await];
    for n in 0..24 {
        let device_id = devices[n * 7 % 5 % 3];
        let mut append = allow(device_id);
        if device_id == devices[2] {
            append.metadata.tenant_id = OTHER_TENANT;
        }
        world.store.append(append).await.unwrap();
    }
    devices
}

fn scopes(devices: [DeviceId; 3]) -> Vec<Scope> {
    let mut scopes = vec![Scope::All, Scope::Tenant(TENANT), Scope::Tenant(OTHER_TENANT)];
    scopes.extend(devices.map(Scope::Device));
    scopes
}

fn in_scope(event: &RecordedEvent, scope: Scope) -> bool {
    match scope {
        Scope::All => true,
        Scope::Tenant(id) => event.decode_metadata().unwrap().tenant_id == id,
        Scope::Device(id) => event.device_id == id,
    }
}

/// Every event of the scope comes once and in order, whatever the size of the pages.
pub async fn every_page_goes_on_where_the_last_one_ended(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let devices = mixed(&world).await;
    world.reopen().await;
    let log = world.log().await;
    assert_eq!(log.len(), 27);
    for scope in scopes(devices) {
        let expected: Vec<_> = log.iter().filter(|event| in_scope(event, scope)).cloned().collect();
        assert!(!expected.is_empty());
        for limit in [1, 2, 5, 27, usize::MAX] {
            let (mut read, mut after) = (Vec::new(), Position(0));
            while after < world.head().await {
                let page = world.store.read_after(scope, after, limit).await.unwrap();
                assert!(page.events.len() <= limit);
                assert!(page.read_up_to > after, "a page moves on");
                read.extend(page.events);
                after = page.read_up_to;
            }
            assert_eq!(read, expected, "{scope:?} by {limit}");
        }
    }
}

/// The log is found by time, between events and beyond both ends of it.
pub async fn the_log_is_found_by_time(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let before = async |time| world.store.position_before(time).await.unwrap();
    assert_eq!((before(Timestamp(i64::MIN)).await, before(Timestamp::MAX).await), (Position(0), Position(0)));
    let device_id = world.register("D-1").await;
    for n in 1..=9 {
        // Three at a time share theirs.
        world.clock.set(START.plus(n / 3 * 1_000));
        world.store.append(allow(device_id)).await.unwrap();
    }
    let log = world.log().await;
    for time in (START.0 - 1..START.0 + 3_002).step_by(250).map(Timestamp) {
        for time in [time.plus(-1), time, time.plus(1)] {
            let expected = log.iter().filter(|event| event.recorded_at < time).map(|event| event.position).max();
            assert_eq!(before(time).await, expected.unwrap_or_default(), "{time}");
        }
    }
    assert_eq!(before(Timestamp::MAX).await, world.head().await);
}

/// Of many devices the last event of each that is of these types, however many have been deleted since.
pub async fn the_last_of_each_is_found(factory: &dyn Factory) {
    let mut world = World::open(factory).await;
    let devices = mixed(&world).await;
    for (device_id, appended) in [(devices[0], rename("D-4")), (devices[1], DeviceCommand::RemoveDevice)] {
        world.store.append(command(device_id, appended)).await.unwrap();
    }
    for _ in 0..2 {
        let log = world.log().await;
        for types in [&["DeviceRegistered", "DeviceChanged"][..], &["DeviceRemoved"], &["ClaimingAllowed"], &[]] {
            let last = |id| log.iter().rfind(|event| event.device_id == id && types.contains(&&*event.event_type));
            let mut expected: Vec<_> = devices.into_iter().filter_map(last).cloned().collect();
            let mut found = world.store.last_of_each(&[&devices[..], &[new_device()]].concat(), types).await.unwrap();
            for events in [&mut expected, &mut found] {
                events.sort_by_key(|event| event.position);
            }
            assert_eq!(found, expected, "{types:?}");
        }
        let names = world.store.device_names(&[&devices[..], &[new_device()]].concat()).await.unwrap();
        let exist = [(devices[0], "D-4".to_owned()), (devices[2], "D-1".to_owned())];
        assert_eq!(names, HashMap::from(exist));
        world.reopen().await;
    }
}

/// A reader whose events are rare does not read the same stretch again and again; nor is anything skipped.
pub async fn a_page_that_matches_nothing_still_moves_on(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let devices = mixed(&world).await;
    let head = world.head().await;
    let read = async |scope, after, limit| {
        let page = world.store.read_after(scope, after, limit).await.unwrap();
        (page.events.len(), page.read_up_to)
    };
    assert_eq!(read(Scope::Device(new_device()), Position(0), 5).await, (0, head));
    assert_eq!(read(Scope::Tenant(super::world::customer(1).0.into()), Position(3), 5).await, (0, head));
    for scope in scopes(devices) {
        assert_eq!(read(scope, head, 5).await, (0, head));
        let beyond = Position(head.0 + 100);
        assert_eq!(read(scope, beyond, 5).await, (0, beyond), "a reader is never sent back");
        assert_eq!(read(scope, Position(4), 0).await, (0, Position(4)), "a page of no size reads nothing");
    }
}

async fn next(subscription: &mut Box<dyn Subscription>) -> Vec<RecordedEvent> {
    timeout(LONG, subscription.next()).await.expect("something is there to be read").unwrap().events
}

async fn collect(subscription: &mut Box<dyn Subscription>, count: usize) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    while events.len() < count {
        events.extend(next(subscription).await);
    }
    events
}

/// First what is there, then what comes.
pub async fn a_subscription_catches_up_and_then_waits(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let devices = mixed(&world).await;
    let log = world.log().await;
    for scope in scopes(devices) {
        for after in [Position(0), Position(13)] {
            let expected: Vec<_> =
                log.iter().filter(|event| event.position > after && in_scope(event, scope)).cloned().collect();
            let mut subscription = world.store.subscribe(scope, after);
            assert_eq!(collect(&mut subscription, expected.len()).await, expected);
            assert!(timeout(SHORT, subscription.next()).await.is_err(), "nothing more is there");
        }
    }
    let mut subscription = world.store.subscribe(Scope::Device(devices[0]), world.head().await);
    let waiting = tokio::spawn(async move { next(&mut subscription).await });
    tokio::time::sleep(SHORT).await;
    let appended = world.store.append(allow(devices[0])).await.unwrap();
    let woken = waiting.await.unwrap();
    assert_eq!(woken.iter().map(|event| event.position).collect::<Vec<_>>(), [appended.position]);
}

/// Others' events are not given, and do not keep its own from being given.
pub async fn a_subscription_is_woken_by_its_scope_only(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let devices = mixed(&world).await;
    let from = world.head().await;
    let mut of_device = world.store.subscribe(Scope::Device(devices[0]), from);
    let mut of_tenant = world.store.subscribe(Scope::Tenant(TENANT), from);
    let mut append = allow(devices[2]);
    append.metadata.tenant_id = OTHER_TENANT;
    world.store.append(append).await.unwrap();
    assert!(timeout(SHORT, of_device.next()).await.is_err());
    assert!(timeout(SHORT, of_tenant.next()).await.is_err());
    world.store.append(allow(devices[1])).await.unwrap();
    assert!(timeout(SHORT, of_device.next()).await.is_err());
    assert_eq!(next(&mut of_tenant).await.len(), 1);
    world.store.append(allow(devices[0])).await.unwrap();
    assert_eq!(next(&mut of_device).await.len(), 1);
    assert_eq!(next(&mut of_tenant).await.len(), 1);
}

/// Dropping the future that waits leaves the subscription where it was.
pub async fn giving_up_waiting_loses_nothing(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let device_id = world.register("D-1").await;
    let mut subscription = world.store.subscribe(Scope::All, Position(0));
    let mut read = Vec::new();
    for n in 0..200_u64 {
        world.store.append(allow(device_id)).await.unwrap();
        // Given up after another time each round, often in the middle of reading.
        if let Ok(page) = timeout(Duration::from_micros(n * 7 % 300), subscription.next()).await {
            read.extend(page.unwrap().events);
        }
    }
    while read.len() < 201 {
        read.extend(next(&mut subscription).await);
    }
    assert_eq!(read, world.log().await);
}

/// Eight writers at once, and readers of every scope that follow from the start.
pub async fn nothing_is_lost_or_doubled_while_many_append(factory: &dyn Factory) {
    const WRITERS: usize = 8;
    const EACH: usize = 60;
    let world = World::open(factory).await;
    let mut devices = Vec::new();
    for n in 0..WRITERS {
        devices.push(world.register(&format!("D-{n}")).await);
    }
    let follow = |scope, count| {
        let mut subscription = world.store.subscribe(scope, Position(0));
        tokio::spawn(async move { collect(&mut subscription, count).await })
    };
    let all = WRITERS * (EACH + 1);
    let mut readers: BTreeMap<Scope, _> = BTreeMap::new();
    readers.insert(Scope::All, follow(Scope::All, all));
    readers.insert(Scope::Tenant(TENANT), follow(Scope::Tenant(TENANT), all));
    for device_id in &devices {
        readers.insert(Scope::Device(*device_id), follow(Scope::Device(*device_id), EACH + 1));
    }
    let writers: Vec<_> = devices
        .iter()
        .map(|device_id| {
            let (store, device_id) = (world.store.clone(), *device_id);
            tokio::spawn(async move {
                for _ in 0..EACH {
                    store.append(allow(device_id)).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let log = world.log().await;
    for (scope, reader) in readers {
        let expected: Vec<_> = log.iter().filter(|event| in_scope(event, scope)).cloned().collect();
        assert_eq!(reader.await.unwrap(), expected, "{scope:?}");
    }
}

/// Which devices a watcher was told of.
#[derive(Default)]
struct Told(Mutex<Vec<(DeviceId, Written)>>);

impl DeviceWatcher for Told {
    fn written(&self, device_id: DeviceId, what: Written) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((device_id, what));
    }
}

/// After each command that wrote something, and after none that did not.
pub async fn who_watches_devices_is_told_what_was_written(factory: &dyn Factory) {
    let world = World::open(factory).await;
    let told = Arc::new(Told::default());
    let watcher = Arc::downgrade(&told);
    world.store.watch(watcher as Weak<dyn DeviceWatcher>);
    let claims = world.claims();
    let device_id = claims.register(&caller(), TENANT, named("D-1")).await.unwrap().device_id;
    world.store.append(allow(device_id)).await.unwrap();
    world.store.append(append(Target::Device(device_id), |_| nothing())).await.unwrap();
    let device = DeviceIdentity::new(TENANT, device_id);
    let token = NewCredentials::access_token("another").unwrap();
    claims.replace_credentials(&caller(), device, &token, None).await.unwrap();
    claims.remove(&caller(), TENANT, device_id).await.unwrap();
    // The answer to a command may come before the watcher is told.
    let expected = [(true, true), (false, true), (true, false), (true, true)];
    for _ in 0..500 {
        if told.0.lock().unwrap_or_else(PoisonError::into_inner).len() >= expected.len() {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    let seen = told.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let kinds: Vec<_> = seen.iter().map(|(_, what)| (what.credentials, what.other)).collect();
    assert_eq!(kinds, expected);
    assert!(seen.iter().all(|(id, _)| *id == device_id));
}
