//! Three real nodes on a real PostgreSQL server, and what befalls them and the ways between.
//!
//! Each fault comes once by default, and a few histories are checked. For more, or for the same ones again:
//!
//! ```text
//! DEED_CLUSTER_ROUNDS=10 DEED_CLUSTER_HISTORIES=300 DEED_CLUSTER_SEED=7 cargo test --all-features --test cluster -- --nocapture
//! ```

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "a campaign says what it did")]
#![expect(clippy::disallowed_methods, reason = "the time that something takes, and settings, are the tests' own")]

mod asking;
mod audit;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../bridge/broker.rs"]
mod broker;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../clients/certificates.rs"]
mod certificates;
mod checker;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../coap/client.rs"]
mod coap;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../deed/mod.rs"]
mod deed;
mod faults;
mod linearizability;
mod load;
mod loss;
mod model;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../mqtt/client.rs"]
mod mqtt;
mod network;
mod nodes;
mod rights;
mod sessions;
mod sharing;
mod upgrade;

use std::{env, time::Duration};

use reqwest::{Client, StatusCode};
use serde_json::json;
use tokio::net::TcpStream;

use self::{
    network::Passage,
    nodes::{Cluster, NODES},
};

/// After how long a node serves again, once nothing stands in its way.
const RECOVERY: Duration = Duration::from_secs(15);
/// After how long a node says that it is not ready, once it has lost the database.
const LOSS: Duration = Duration::from_secs(15);

/// What one node acknowledges, the others know; a node that was killed, or cut off, comes back by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_know_what_another_acknowledged() {
    let mut cluster = Cluster::start().await;
    let directory = cluster.directory();
    let client = Client::new();
    for node in 0..NODES {
        cluster.until_ready(node, true, RECOVERY).await;
        let name = format!("D-{node}");
        let register = client.post(format!("{}/api/device?accessToken={name}", directory.of(node).url));
        let made = register.json(&json!({"name": name})).bearer_auth(&cluster.people.tenant).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::OK);
        let [claim, _] = &cluster.people.customers;
        let claim =
            client.post(format!("{}/api/customer/device/{name}/claim", directory.of(node + 1).url)).bearer_auth(claim);
        assert_eq!(claim.send().await.unwrap().text().await.unwrap(), "\"FAILURE\"");
        assert!(TcpStream::connect(directory.of(node).mqtt).await.is_ok());
    }
    cluster.kill_node(1).await;
    cluster.start_node(1).await;
    cluster.until_ready(1, true, RECOVERY).await;
    let network = &cluster.networks[2];
    for fault in [Passage::Refused, Passage::Dropped, Passage::Unanswered] {
        network.set(fault);
        cluster.until_ready(2, false, LOSS).await;
        network.set(Passage::Open);
        cluster.until_ready(2, true, RECOVERY).await;
    }
    network.cut();
    cluster.until_ready(2, true, RECOVERY).await;
    cluster.expect_undamaged();
    let positions = cluster.export().into_iter().map(|event| event["position"].as_u64().unwrap());
    assert!(positions.eq(1..=cluster.export().len() as u64));
    cluster.stop().await;
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().unwrap())
}
