//! What one node does at a time, and what nodes share (`docs/operations/postgresql.md`).

use std::time::Duration;

use deed_adapters::{
    Store,
    conformance::new_database,
    postgres::{PostgresOptions, PostgresStore},
};
use deed_domain::{
    ids::CustomerId,
    ports::{Customers, StoreError},
};
use deed_projections::ActiveKeysQuery;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    asking::{Asking, By, Call},
    broker::{Kind, Mosquitto},
    deed::{Server, deed, run, world::secret},
    nodes::{Cluster, NODES, SHARED, Settings},
};

/// After how long another node does the work of one that was killed.
const HANDOVER: Duration = Duration::from_secs(10);

async fn metric(asking: &Asking, node: usize, name: &str) -> Option<f64> {
    let url = format!("{}/metrics", asking.directory.of(node).url);
    let answer = asking.client.get(url).timeout(Duration::from_secs(2)).send().await.ok()?.text().await.ok()?;
    answer.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// The node that is connected with the broker; all others that answer are not.
async fn bridging(asking: &Asking, nodes: &[usize]) -> usize {
    let began = Instant::now();
    loop {
        let mut connected = Vec::new();
        for node in nodes {
            if metric(asking, *node, "deed_bridge_connected").await == Some(1.0) {
                connected.push(*node);
            }
        }
        assert!(connected.len() < 2, "{connected:?}");
        if let [node] = connected[..] {
            return node;
        }
        assert!(began.elapsed() < HANDOVER, "no node has taken it over");
        sleep(Duration::from_millis(100)).await;
    }
}

/// How often each device has registered a key.
fn issued(cluster: &Cluster, ids: &[String]) -> Vec<usize> {
    let log = cluster.export();
    let of = |id: &String| {
        let is = |event: &&Value| event["aggregateId"] == **id && event["eventType"] == "ClaimIssued";
        log.iter().filter(is).count()
    };
    ids.iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_is_the_bridge_and_another_takes_it_over() {
    const DEVICES: usize = 20;
    let broker = Mosquitto::start();
    let url: &'static str = format!("mqtt://{}", broker.address()).leak();
    let bridge: &'static [_] = vec![("DEED_BRIDGE_URL", url), ("DEED_BRIDGE_TOPIC", "fleet/{token}/claim")].leak();
    let mut cluster = Cluster::start_with(Settings { environment: bridge, ..Settings::default() }).await;
    let asking = Asking::of(&cluster);
    let names: Vec<String> = (0..DEVICES).map(|n| format!("D-{n}")).collect();
    let ids = join_all(names.iter().map(|name| asking.device(0, name))).await;
    let publish = |key: &str| {
        let message = json!({"secretKey": secret(key), "durationMs": 600_000}).to_string();
        names.iter().for_each(|name| broker.publish(&format!("fleet/{name}/claim"), &message));
    };
    let owner = bridging(&asking, &[0, 1, 2]).await;
    sleep(Duration::from_secs(1)).await;
    publish("first");
    until_issued(&cluster, &ids, 1).await;

    // Killed: another one goes on, with what came meanwhile.
    cluster.kill_node(owner).await;
    publish("second");
    let others: Vec<usize> = (0..NODES).filter(|node| *node != owner).collect();
    let began = Instant::now();
    let owner = bridging(&asking, &others).await;
    println!("the bridge was taken over {:?} after a kill", began.elapsed());
    until_issued(&cluster, &ids, 2).await;

    // Stood still, with messages that it has been sent: another one carries them out, and only that one.
    cluster.signal(owner, "STOP");
    publish("third");
    let others: Vec<usize> = others.into_iter().filter(|node| *node != owner).collect();
    let next = bridging(&asking, &others).await;
    until_issued(&cluster, &ids, 3).await;
    cluster.signal(owner, "CONT");
    sleep(Duration::from_secs(5)).await;
    assert_eq!(bridging(&asking, &[owner, next]).await, next);
    assert_eq!(issued(&cluster, &ids), [3; DEVICES], "nothing was carried out twice");

    // Stopped in order: at once.
    cluster.signal(next, "TERM");
    assert_eq!(bridging(&asking, &[owner]).await, owner);
    publish("fourth");
    until_issued(&cluster, &ids, 4).await;
    cluster.expect_undamaged();
}

async fn until_issued(cluster: &Cluster, ids: &[String], times: usize) {
    let began = Instant::now();
    loop {
        let found = issued(cluster, ids);
        if found.iter().all(|found| *found >= times) {
            assert!(found.iter().all(|found| *found == times), "{found:?}");
            return;
        }
        assert!(began.elapsed() < HANDOVER, "{found:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_goes_on_at_another_node() {
    let mut cluster = Cluster::start().await;
    let asking = Asking::of(&cluster);
    let store = PostgresStore::open(PostgresOptions::new(cluster.database.url("postgres"), 2), None).await.unwrap();
    for killed in [true, false] {
        let customer = asking.made(0, "/api/customer", json!({"title": format!("C-{killed}")})).await;
        let owner = json!({"entityType": "CUSTOMER", "id": customer});
        let names: Vec<String> = (0..10).map(|n| format!("{killed}-{n}")).collect();
        let mut ids = Vec::new();
        for name in &names {
            ids.push(asking.made(0, "/api/device", json!({"name": name, "customerId": owner})).await);
        }
        // All but one stand still, or are gone, whoever was at it.
        for node in [0, 1] {
            if killed {
                cluster.kill_node(node).await;
            } else {
                cluster.signal(node, "STOP");
            }
        }
        let began = Instant::now();
        marked(&store, &customer).await.unwrap();
        for id in &ids {
            loop {
                let device = asking.done(2, Call::get(format!("/api/device/{id}"), asking.tenant.clone())).await;
                if device["customerId"]["id"] != customer.as_str() {
                    break;
                }
                assert!(began.elapsed() < HANDOVER, "{device}");
                sleep(Duration::from_millis(100)).await;
            }
        }
        for node in [0, 1] {
            if killed {
                cluster.start_node(node).await;
            } else {
                cluster.signal(node, "CONT");
            }
        }
        // The next one finds another node at it.
        sleep(Duration::from_secs(2)).await;
    }
    cluster.expect_undamaged();
    cluster.stop().await;
}

/// Marks a customer as a request does that is cut off.
async fn marked(store: &PostgresStore, id: &str) -> Result<bool, StoreError> {
    store.mark_customer(id.parse::<CustomerId>().unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_run_out_are_recorded_once_whoever_dies() {
    const DEVICES: usize = 300;
    const LIFE: Duration = Duration::from_secs(8);
    let mut cluster = Cluster::start().await;
    let asking = Asking::of(&cluster);
    let names: Vec<String> = (0..DEVICES).map(|n| format!("D-{n}")).collect();
    for some in names.chunks(64) {
        join_all(some.iter().map(|name| asking.device(0, name))).await;
    }
    let began = Instant::now();
    let register = async |node: usize, name: &String| {
        let left = u64::try_from(LIFE.saturating_sub(began.elapsed()).as_millis()).unwrap();
        let body = json!({"secretKey": secret("key"), "durationMs": left});
        asking.done(node, Call::post(format!("/api/v1/{name}/claim"), By::Nobody, body)).await
    };
    for some in names.chunks(64) {
        join_all(some.iter().enumerate().map(|(node, name)| register(node, name))).await;
    }
    (0..NODES).for_each(|node| cluster.signal(node, "STOP"));
    assert!(began.elapsed() < LIFE, "the machine is too slow for this: {:?}", began.elapsed());
    sleep(LIFE.saturating_sub(began.elapsed()) + Duration::from_millis(500)).await;
    // Somebody takes a third of them, and dies.
    let store = PostgresStore::open(PostgresOptions::new(cluster.database.url("postgres"), 2), None).await.unwrap();
    assert_eq!(store.take_due(store.time().now(), DEVICES / 3).await.unwrap().len(), DEVICES / 3);
    let taken = Instant::now();
    store.close().await;
    cluster.kill_node(1).await;
    [0, 2].into_iter().for_each(|node| cluster.signal(node, "CONT"));
    let expired =
        |cluster: &Cluster| cluster.export().iter().filter(|event| event["eventType"] == "ClaimExpired").count();
    let until = async |wanted: usize| {
        while expired(&cluster) < wanted {
            assert!(taken.elapsed() < Duration::from_secs(20), "{} of {wanted}", expired(&cluster));
            sleep(Duration::from_millis(200)).await;
        }
        taken.elapsed()
    };
    let two_thirds = until(DEVICES - DEVICES / 3).await;
    if taken.elapsed() < Duration::from_secs(9) {
        assert_eq!(expired(&cluster), DEVICES - DEVICES / 3, "the others are somebody's for ten seconds");
    }
    println!("two thirds of the keys were recorded after {two_thirds:?}, the rest after {:?}", until(DEVICES).await);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(expired(&cluster), DEVICES, "each once");
    cluster.expect_undamaged();
    cluster.stop().await;
}

/// What a node writes would be refused by the others, or the other way round.
#[tokio::test]
async fn a_node_with_other_peppers_than_the_others_does_not_start() {
    let (directory, url) = (tempfile::tempdir().unwrap(), new_database());
    let pepper = |id: &str, letter: &str| format!("{id}:{}", letter.repeat(44));
    let node = |peppers: &str| {
        let mut command = deed(directory.path());
        command.args(["serve", "--database", &url]).envs(SHARED).env("SECURITY_PEPPERS", peppers);
        command
    };
    let refused = |peppers: &str, why: &str| {
        let (status, _, error) = run(&mut node(peppers));
        assert!(status == 64 && error.contains(why) && !error.contains(&"b".repeat(44)), "{peppers}: {error}");
    };
    let starts = |peppers: &str| drop(Server::start(&mut node(peppers)).stop());
    let (ours, new) = (pepper("p1", "a"), pepper("p2", "b"));
    starts(&ours);
    refused(&new, "the database does not know it");
    refused(&format!("{new},{ours}"), "a new pepper first stands behind another one on all of them");
    refused(&pepper("p1", "b"), "`deed forget-pepper p1`");
    starts(&format!("{ours},{new}"));
    starts(&format!("{new},{ours}"));
    // One that was configured by mistake, or is lost.
    refused(&format!("{ours},{}", pepper("p2", "c")), "is not the one that the database knows");
    let forget = |id: &str| run(deed(directory.path()).args(["forget-pepper", id, "--database", &url]));
    assert_eq!(forget("p2"), (0, String::new(), String::new()));
    let (status, _, error) = forget("p2");
    assert!(status == 1 && error.contains("knows no pepper `p2`"), "{error}");
    starts(&format!("{ours},{}", pepper("p2", "c")));
}
