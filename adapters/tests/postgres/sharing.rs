//! How several nodes on one PostgreSQL database share work, and hear of each other's sessions.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use deed_adapters::{
    Store,
    conformance::{PostgresServer, SettableClock, new_database},
    postgres::{PostgresOptions, PostgresStore},
};
use deed_domain::{
    claim_key::ClaimKey,
    claims::Failure,
    ids::{CustomerId, DeviceId, DeviceSessionId, UserId},
    ports::{AppendError, DeviceIdentity, DeviceWatch, DeviceWatcher, LEASE, Leases, StoreError, Written},
    time::Timestamp,
};
use deed_projections::{ActiveKeysQuery, OwnershipQuery};
use tokio::time::{Instant, sleep};
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::world::{TENANT, caller, claims, expect_whole, issue, open, register};

/// A device with a key that lives for a second.
async fn device_with_key(store: &PostgresStore, number: usize) -> DeviceIdentity {
    let claims = claims(store);
    let device = register(&claims, &format!("D-{number}")).await.unwrap();
    issue(&claims, device, "key", 1_000).await.unwrap();
    device
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_whose_keys_ran_out_is_taken_by_one_node() {
    const DEVICES: usize = 90;
    let (url, clock) = (new_database(), Arc::new(SettableClock::new(Timestamp(1_000_000))));
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(PostgresStore::open(PostgresOptions::new(&url, 4), Some(clock.clone())).await.unwrap());
    }
    let mut devices = HashSet::new();
    for number in 0..DEVICES {
        devices.insert(device_with_key(&nodes[0], number).await.device_id);
    }
    clock.set(Timestamp(1_002_000));
    let taking = |store: PostgresStore, limit| async move {
        let due = store.take_due(store.time().now(), limit).await.unwrap();
        due.into_iter().map(|due| due.device_id).collect::<Vec<_>>()
    };
    let (a, b, c) =
        tokio::join!(taking(nodes[0].clone(), 40), taking(nodes[1].clone(), 40), taking(nodes[2].clone(), 40));
    let taken: Vec<DeviceId> = [a.clone(), b.clone(), c.clone()].concat();
    assert_eq!(taken.iter().collect::<HashSet<_>>().len(), taken.len(), "no device twice");
    // Whoever had to pass others by takes the rest.
    let mut all: HashSet<DeviceId> = taken.into_iter().collect();
    all.extend(taking(nodes[2].clone(), DEVICES).await);
    assert_eq!(all, devices);
    assert_eq!(
        HashSet::<DeviceId>::from_iter(taking(nodes[0].clone(), DEVICES).await),
        a.iter().copied().collect(),
        "its own"
    );
    for device_id in &b {
        let device = DeviceIdentity::new(TENANT, *device_id);
        assert_eq!(claims(&nodes[1]).expire(&caller(), device).await.unwrap(), 1);
    }
    // The others have died with what they took: after ten seconds it is anybody's.
    clock.set(Timestamp(1_011_999));
    assert_eq!(taking(nodes[1].clone(), DEVICES).await, []);
    clock.set(Timestamp(1_012_000));
    let left: HashSet<DeviceId> = taking(nodes[1].clone(), DEVICES).await.into_iter().collect();
    assert_eq!(left, devices.iter().filter(|id| !b.contains(id)).copied().collect());
    let report = nodes[0].check(&mut |_, _| {}).await.unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_is_one_nodes_until_it_says_so_or_its_time_is_over() {
    let url = new_database();
    let (a, b) = (open(&url).await, open(&url).await);
    let mut holding = Vec::new();
    for store in [&a, &b, &a, &b] {
        let store = store.clone();
        holding.push(tokio::spawn(async move { store.hold("work").await.unwrap() }));
    }
    let mut held = Vec::new();
    for asked in holding {
        held.push(asked.await.unwrap());
    }
    let (first, second) = if held[0] || held[2] { (&a, &b) } else { (&b, &a) };
    assert!(first.hold("work").await.unwrap() && !second.hold("work").await.unwrap(), "{held:?}");
    assert!(second.hold("other work").await.unwrap());
    second.release("work").await.unwrap();
    assert!(!second.hold("work").await.unwrap(), "it was not its own to give back");
    first.release("work").await.unwrap();
    let began = Instant::now();
    assert!(second.hold("work").await.unwrap());
    // It says nothing more.
    while !first.hold("work").await.unwrap() {
        assert!(began.elapsed() < LEASE + Duration::from_secs(2));
        sleep(Duration::from_millis(50)).await;
    }
    assert!(began.elapsed() >= LEASE, "{:?}", began.elapsed());
}

/// Remembers which sessions began elsewhere.
#[derive(Default)]
struct Heard(Mutex<Vec<(DeviceId, DeviceSessionId)>>);

impl DeviceWatcher for Heard {
    fn written(&self, _: DeviceId, _: Written) {}

    fn session_began_elsewhere(&self, device_id: DeviceId, session: DeviceSessionId) {
        self.0.lock().unwrap().push((device_id, session));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_hear_of_all_sessions_that_begin_at_others_and_of_none_of_their_own() {
    const MANY: u128 = 10_000;
    let url = new_database();
    let nodes = [open(&url).await, open(&url).await, open(&url).await];
    let heard = [(); 3].map(|()| Arc::new(Heard::default()));
    for (node, heard) in nodes.iter().zip(&heard) {
        let watcher = Arc::downgrade(heard);
        node.watch(watcher);
    }
    let began = Instant::now();
    for number in 0..MANY {
        let device = DeviceId(Uuid::from_u128(number));
        for (n, node) in (0..).zip(&nodes[..2]) {
            node.session_began(device, DeviceSessionId(Uuid::from_u128(2 * number + n)));
        }
    }
    assert!(began.elapsed() < Duration::from_secs(1), "who connects waits for nothing: {:?}", began.elapsed());
    let of = |node: u128| {
        (0..MANY)
            .map(move |number| (DeviceId(Uuid::from_u128(number)), DeviceSessionId(Uuid::from_u128(2 * number + node))))
    };
    let wanted = [of(1).collect::<HashSet<_>>(), of(0).collect(), of(0).chain(of(1)).collect()];
    loop {
        let have = heard.each_ref().map(|heard| heard.0.lock().unwrap().len());
        if have.iter().sum::<usize>() >= 4 * MANY as usize {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{have:?}");
        sleep(Duration::from_millis(20)).await;
    }
    println!("{} sessions told after {:?}", 2 * MANY, began.elapsed());
    for (heard, wanted) in heard.iter().zip(wanted) {
        let heard = heard.0.lock().unwrap().clone();
        assert_eq!(heard.len(), wanted.len(), "each once");
        assert!(HashSet::from_iter(heard) == wanted);
    }
}

/// A standby takes over that had not received everything: what a node remembers of it has not happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_database_has_lost_is_not_remembered() {
    let server = PostgresServer::start();
    server.ready().await;
    let (admin, connection) = tokio_postgres::connect(&server.url("postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);
    let run = async |statements: &[&str]| {
        for statement in statements {
            admin.batch_execute(statement).await.unwrap();
        }
    };
    let leave = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'deed'";
    run(&["CREATE DATABASE deed"]).await;
    let store = open(&server.url("deed")).await;
    let claims = claims(&store);
    let device = register(&claims, "D").await.unwrap();
    issue(&claims, device, "right", 600_000).await.unwrap();
    let (lock, unlock) = ("ALTER DATABASE deed ALLOW_CONNECTIONS false", "ALTER DATABASE deed ALLOW_CONNECTIONS true");
    run(&[lock, leave, "CREATE DATABASE standby TEMPLATE deed", unlock]).await;

    let claim = async |number: u128| loop {
        let (customer, user) = (CustomerId(Uuid::from_u128(number)), UserId(Uuid::from_u128(number)));
        match claims.claim(&caller(), TENANT, "D", customer, user, ClaimKey::new("right")).await {
            Err(Failure::NotAppended(AppendError::Store(StoreError::Unavailable(_)))) => {}
            claimed => return claimed.map(drop),
        }
    };
    claim(1).await.unwrap();
    run(&[lock, leave, "ALTER DATABASE deed RENAME TO lost", "ALTER DATABASE standby RENAME TO deed"]).await;
    claim(2).await.unwrap();
    expect_whole(&store).await;
    let owners = store.ownerships(device.device_id).await.unwrap();
    assert_eq!(owners.iter().map(|span| span.customer_id.0.as_u128()).collect::<Vec<_>>(), [2]);
}
