//! A device has one session over MQTT, at whichever node it began last (`docs/protocol.md`, MQTT).

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    asking::{Asking, Call},
    mqtt::{Client, NOTHING, Version},
    nodes::{Cluster, NODES},
};

/// How long a session may outlive a later one at another node.
const BOUND: Duration = Duration::from_secs(2);
const TAKEN_OVER: [u8; 3] = [0xe0, 2, 0x8e];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_session_at_another_node_ends_the_one_before() {
    let mut cluster = Cluster::start().await;
    let asking = Asking::of(&cluster);
    let at = |node: usize| asking.directory.of(node).mqtt;
    asking.device(0, "D-1").await;
    let mut longest = Duration::ZERO;
    let mut before = Client::connect_at(&at(0), Version::V5, "D-1").await;
    for (n, version) in [Version::V3, Version::V5, Version::V3, Version::V5, Version::V5].into_iter().enumerate() {
        let began = Instant::now();
        let mut later = Client::connect_at(&at(n + 1), version, "D-1").await;
        let told = before.rest().await;
        longest = longest.max(began.elapsed());
        // The one before was in MQTT 3.1.1 where this is in the middle.
        assert!(told == NOTHING || told[..3] == TAKEN_OVER, "{n}: {told:02x?}");
        assert_eq!(told == NOTHING, n == 1 || n == 3, "{n}: {told:02x?}");
        later.hears_nothing().await;
        before = later;
    }
    println!("a session ended {longest:?} after a later one began elsewhere");
    assert!(longest < BOUND, "{longest:?}");

    // To and fro, faster than the nodes hear of each other: the last one stays.
    let mut sessions = vec![before];
    for n in 0..12 {
        // Nodes know the database's time to some milliseconds.
        sleep(Duration::from_millis(30)).await;
        sessions.push(Client::connect_at(&at(n), Version::V5, "D-1").await);
    }
    let mut last = sessions.pop().unwrap();
    let began = Instant::now();
    for (n, session) in sessions.iter_mut().enumerate() {
        assert_eq!(session.rest().await[..3], TAKEN_OVER, "{n}");
    }
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    sleep(BOUND).await;
    assert_eq!(last.ask("v1/devices/me/attributes", r#"{"a": 1}"#).await.0, 0, "it is open");

    // A gateway that speaks for the device, at another node.
    let gateway = json!({"name": "G-1", "additionalInfo": {"gateway": true}});
    asking.done(0, Call::post("/api/device?accessToken=G-1", asking.tenant.clone(), gateway)).await;
    let mut gateway = Client::connect_at(&at(0), Version::V5, "G-1").await;
    let mut device = Client::connect_at(&at(1), Version::V5, "D-1").await;
    assert_eq!(gateway.ask("v1/gateway/connect", r#"{"device": "D-1"}"#).await.0, 0);
    let began = Instant::now();
    assert_eq!(device.rest().await[..3], TAKEN_OVER);
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    let mut moved = Client::connect_at(&at(2), Version::V5, "G-1").await;
    assert_eq!(gateway.rest().await[..3], TAKEN_OVER);
    assert_eq!(moved.ask("v1/gateway/attributes", r#"{"D-1": {"a": 2}}"#).await.0, 0);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stood_still_ends_what_has_gone_on_elsewhere() {
    let mut cluster = Cluster::start().await;
    let asking = Asking::of(&cluster);
    let at = |node: usize| asking.directory.of(node).mqtt;
    asking.device(0, "D-1").await;
    let mut old = Client::connect_at(&at(1), Version::V5, "D-1").await;
    cluster.signal(1, "STOP");
    let mut new = Client::connect_at(&at(2), Version::V5, "D-1").await;
    sleep(Duration::from_secs(12)).await;
    new.hears_nothing().await;
    cluster.signal(1, "CONT");
    let began = Instant::now();
    assert_eq!(old.rest().await[..3], TAKEN_OVER);
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    sleep(BOUND).await;
    assert_eq!(new.ask("v1/devices/me/attributes", r#"{"a": 1}"#).await.0, 0, "it is open");
    cluster.stop().await;
}

/// After a node has gone, its devices come to the others all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sessions_move_at_once() {
    const DEVICES: usize = 400;
    let mut cluster = Cluster::start().await;
    let asking = Asking::of(&cluster);
    let names: Vec<String> = (0..DEVICES).map(|n| format!("D-{n}")).collect();
    for some in names.chunks(64) {
        join_all(some.iter().map(|name| asking.device(0, name))).await;
    }
    let connect = async |node: usize| {
        let address = asking.directory.of(node).mqtt;
        let began = Instant::now();
        let sessions = join_all(names.iter().map(|name| Client::connect_at(&address, Version::V5, name))).await;
        (sessions, began.elapsed())
    };
    let (mut sessions, mut took) = connect(0).await;
    for node in 1..=NODES {
        let (later, longer) = connect(node).await;
        let began = Instant::now();
        for session in &mut sessions {
            assert_eq!(session.rest().await[..3], TAKEN_OVER);
        }
        println!("{DEVICES} sessions began within {longer:?}; those before had ended {:?} later", began.elapsed());
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
        (sessions, took) = (later, took.max(longer));
    }
    for (name, session) in names.iter().zip(&mut sessions).step_by(40) {
        assert_eq!(session.ask("v1/devices/me/attributes", r#"{"a": 1}"#).await.0, 0, "{name}");
    }
    cluster.stop().await;
}
