//! What befalls nodes, their database and the ways between, under load.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use reqwest::{Client, StatusCode, header::DATE};
use serde_json::json;

use crate::{
    LOSS, RECOVERY, audit,
    deed::{MARK, world::sign_in},
    load::{Load, Session},
    loss::expect_come_again,
    network::Passage,
    nodes::{Clock, Cluster, NODES, Settings},
    setting,
};

/// So much is acknowledged before and after each fault.
const SOME: u64 = 100;
/// After how long nodes append again when one that has lost the database is in their way.
const HELD_UP: Duration = Duration::from_secs(15);
/// So large a file may be while the disk is full.
const FULL: u64 = 1 << 20;
/// Within this time a few hundred commands are carried out, also on a busy machine.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_and_the_database_are_killed_and_restarted() {
    let mut cluster = Cluster::start().await;
    let mut load = Load::on(&cluster, "killed");
    for round in 0..rounds() {
        for fault in 0..7 {
            load.goes_on(SOME, LONG).await;
            tokio::time::sleep(moment(round, fault)).await;
            match fault {
                0..3 => {
                    let node = fault as usize;
                    cluster.kill_node(node).await;
                    load.goes_on(SOME, LONG).await;
                    cluster.start_node(node).await;
                }
                3 => {
                    for node in 0..NODES {
                        cluster.kill_node(node).await;
                    }
                    for node in 0..NODES {
                        cluster.start_node(node).await;
                    }
                }
                4 => cluster.database.kill(),
                5 => cluster.database.stop(),
                _ => cluster.database.quit(),
            }
            if fault > 3 {
                for node in 0..NODES {
                    cluster.until_ready(node, false, LOSS).await;
                }
                cluster.database.start_again();
            }
            println!("round {round}, fault {fault}: all ready after {:?}", all_ready(&cluster).await);
        }
    }
    load.goes_on(SOME, LONG).await;
    let told = load.finish().await;
    audit::expect_true(&cluster, &told).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_loses_the_network_to_the_database() {
    lose([(0..1, Passage::Dropped), (1..2, Passage::Unanswered), (2..3, Passage::Refused)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_nodes_lose_the_network_to_the_database() {
    lose([(0..NODES, Passage::Refused), (0..NODES, Passage::Dropped)]).await;
}

async fn lose<const N: usize>(faults: [(Range<usize>, Passage); N]) {
    let mut cluster = Cluster::start().await;
    let mut load = Load::on(&cluster, "cut");
    for round in 0..rounds() {
        for (number, (nodes, passage)) in faults.iter().cloned().enumerate() {
            let name = format!("told-{round}-{number}");
            cluster.register(nodes.start, &name).await.unwrap();
            let session = Session::enter(&cluster.directory().of(nodes.start).mqtt, &name).await.unwrap();
            load.goes_on(SOME, LONG).await;
            tokio::time::sleep(moment(round, number as u64)).await;
            nodes.clone().for_each(|node| cluster.networks[node].set(passage));
            let began = Instant::now();
            // Whatever the node held when it was cut off, the others wait for it no longer than this.
            if let Some(other) = (0..NODES).find(|node| !nodes.contains(node)) {
                assert!(cluster.register(other, &format!("{name}-beside")).await.is_some());
                assert!(began.elapsed() < HELD_UP, "{:?}", began.elapsed());
            }
            let went_on = began.elapsed();
            for node in nodes.clone() {
                cluster.until_ready(node, false, LOSS).await;
            }
            expect_come_again(&cluster, nodes.start, &name, session).await;
            let told = began.elapsed();
            nodes.clone().for_each(|node| cluster.networks[node].set(Passage::Open));
            let recovered = all_ready(&cluster).await;
            assert!(Session::enter(&cluster.directory().of(nodes.start).mqtt, &name).await.is_some());
            println!(
                "{passage:?} at {nodes:?}: others after {went_on:?}, told after {told:?}, ready after {recovered:?}"
            );
        }
        for node in 0..NODES {
            load.goes_on(SOME, LONG).await;
            cluster.networks[node].cut();
        }
    }
    load.goes_on(SOME, LONG).await;
    let told = load.finish().await;
    audit::expect_true(&cluster, &told).await;
    cluster.stop().await;
}

/// The system's limit on the size of a file stands for the disk, as for SQLite: the tables cannot grow, and then the database
/// cannot write its own log either, which ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_has_no_room_left() {
    let mut cluster = Cluster::start().await;
    let mut load = Load::on(&cluster, "full");
    for round in 0..rounds() {
        load.goes_on(SOME, LONG).await;
        cluster.database.limit_files(Some(FULL + round * FULL));
        let began = Instant::now();
        let (mut number, mut in_vain) = (0, 0);
        // Here and there a page has room for one more.
        while in_vain < 30 {
            let made = cluster.register(number % NODES, &format!("fill-{round}-{number}")).await;
            in_vain = if made.is_some() { 0 } else { in_vain + 1 };
            number += 1;
        }
        println!("full after {} devices and {:?}", number - in_vain, began.elapsed());
        for node in 0..NODES {
            for _ in 0..5 {
                assert!(!cluster.is_ready(node).await, "there is no room for what node {node} is given");
            }
        }
        cluster.database.limit_files(None);
        println!("tables: all ready after {:?}", all_ready(&cluster).await);
        load.goes_on(SOME, LONG).await;

        cluster.database.limit_files(Some(0));
        for node in 0..NODES {
            cluster.until_ready(node, false, LOSS).await;
        }
        cluster.database.quit();
        cluster.database.start_again();
        println!("write-ahead log: all ready after {:?}", all_ready(&cluster).await);
    }
    load.goes_on(SOME, LONG).await;
    let told = load.finish().await;
    audit::expect_true(&cluster, &told).await;
    cluster.stop().await;
}

/// The time of the log is the database's: keys live as long as they should, tokens are good everywhere, and the log does not go
/// back, whatever the clocks of nodes say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_of_nodes_are_off_by_minutes() {
    let mut cluster = Cluster::start_with(Settings {
        clocks: [Clock::Right, Clock::Off("+17m"), Clock::Off("-23m")],
        ..Settings::default()
    })
    .await;
    let began = now();
    let client = Client::new();
    for (node, minutes) in [(0, 0), (1, 17), (2, -23)] {
        let url = format!("{}/health/live", cluster.directory().of(node).url);
        let answer = client.get(url).send().await.unwrap();
        let date = answer.headers()[DATE].to_str().unwrap();
        let off = seconds_of_day(date) - now() / 1_000 % 86_400;
        let off = (off - minutes * 60 + 43_200).rem_euclid(86_400) - 43_200;
        assert!(off.abs() < 10, "node {node} says {date}");
    }
    let mut load = Load::on(&cluster, "clocks");
    load.goes_on(SOME, LONG).await;
    for node in 0..NODES {
        // Signed in at one node, good at each of the others.
        let name = format!("timed-{node}");
        cluster.register(node, &name).await.unwrap();
        let at = cluster.directory().of(node).url;
        let token = sign_in(&client, &at, "customer@thingsboard.org", "customer").await;
        let short = json!({"secretKey": MARK, "durationMs": 1_000});
        let long = json!({"secretKey": MARK, "durationMs": 60_000});
        for (key, wait, expected) in [(short, 1_500, "\"FAILURE\""), (long, 0, "SUCCESS")] {
            let issued = client.post(format!("{at}/api/v1/{name}/claim")).json(&key).send().await.unwrap();
            assert_eq!(issued.status(), StatusCode::OK);
            tokio::time::sleep(Duration::from_millis(wait)).await;
            let other = cluster.directory().of(node + 1).url;
            let claim =
                client.post(format!("{other}/api/customer/device/{name}/claim")).json(&json!({"secretKey": MARK}));
            let claimed = claim.bearer_auth(&token).send().await.unwrap().text().await.unwrap();
            assert!(claimed.contains(expected), "{claimed}");
        }
    }
    let told = load.finish().await;
    audit::expect_true(&cluster, &told).await;
    let times: Vec<i64> = cluster.export().iter().map(|event| event["recordedAt"].as_i64().unwrap()).collect();
    assert!(times.is_sorted());
    let since = times.iter().filter(|time| **time >= began).count();
    assert!(since > told.len() && times.last().unwrap() <= &now(), "{since} events since {began}");
    cluster.stop().await;
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Of `Mon, 30 Nov 2026 18:02:15 GMT`.
fn seconds_of_day(date: &str) -> i64 {
    let time = date.split(' ').nth(4).unwrap();
    time.split(':').fold(0, |seconds, part| seconds * 60 + part.parse::<i64>().unwrap())
}

async fn all_ready(cluster: &Cluster) -> Duration {
    let mut longest = Duration::ZERO;
    for node in 0..NODES {
        longest = longest.max(cluster.until_ready(node, true, RECOVERY).await);
    }
    longest
}

/// How often each fault comes.
fn rounds() -> u64 {
    setting("DEED_CLUSTER_ROUNDS", 1)
}

/// A moment that is another one for each fault, and the same for the same seed.
fn moment(round: u64, fault: u64) -> Duration {
    let mut hasher = DefaultHasher::new();
    (setting("DEED_CLUSTER_SEED", 1), round, fault).hash(&mut hasher);
    Duration::from_millis(hasher.finish() % 300)
}
