//! What was acknowledged outlives the process, whenever it is killed.
//!
//! Ten rounds by default, at other moments each time; what is printed says at which. For more, or for the same ones again:
//!
//! ```text
//! DEED_CRASH_ROUNDS=100 DEED_CRASH_SEED=7 cargo test --test crash -- --nocapture
//! ```

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use std::{
    env,
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    path::Path,
    sync::Arc,
    time::Duration,
};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::Notify, task::JoinSet};

use self::deed::{MARK, Server, deed, run};

/// Clients at once.
const CLIENTS: u64 = 8;

/// A device as its client knows it: what the service has acknowledged before it died.
struct Acknowledged {
    name: String,
    id: String,
    events: Vec<&'static str>,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_a_kill() {
    let seed = setting("DEED_CRASH_SEED", RandomState::new().hash_one(0) % 1_000_000);
    let data = TempDir::new().unwrap();
    for round in 0..setting("DEED_CRASH_ROUNDS", 10) {
        let lifetime = Duration::from_millis(random(seed, round) % 1_500);
        let acknowledged = die_under_load(data.path(), round, lifetime).await;
        let events: usize = acknowledged.iter().map(|device| device.events.len()).sum();
        println!("seed {seed}, round {round}: killed {lifetime:?} after the first of {events} acknowledgements");
        assert_ne!(events, 0);
        assert_undamaged(data.path());
        look_for(data.path(), &acknowledged).await;
        assert_undamaged(data.path());
    }
}

/// Lets the clients work until the server is killed, so long after its first answer to one of them; gives what was acknowledged to them.
async fn die_under_load(data: &Path, round: u64, lifetime: Duration) -> Vec<Acknowledged> {
    let server = serve(data);
    let tenant = sign_in(&server.url, "tenant", "tenant").await;
    let customer = sign_in(&server.url, "customer", "customer").await;
    let begun = Arc::new(Notify::new());
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (url, tenant, customer, begun) = (server.url.clone(), tenant.clone(), customer.clone(), begun.clone());
        clients.spawn(async move { work(&url, &tenant, &customer, &begun, &format!("crash-{round}-{client}")).await });
    }
    tokio::time::timeout(Duration::from_secs(60), begun.notified()).await.unwrap();
    tokio::time::sleep(lifetime).await;
    server.signal("KILL");
    let (status, _) = server.wait();
    assert!(status.code().is_none(), "it was not the signal that ended it: {status}");
    clients.join_all().await.into_iter().flatten().collect()
}

/// Registers, opens, claims and gives back one device after the other until nobody answers any more.
async fn work(url: &str, tenant: &str, customer: &str, begun: &Notify, prefix: &str) -> Vec<Acknowledged> {
    let http = Client::new();
    let mut all = Vec::new();
    for number in 0.. {
        let name = format!("{prefix}-{number}");
        let made = http.post(format!("{url}/api/device?accessToken={name}")).json(&json!({"name": name}));
        let Some(made) = answered(made.bearer_auth(tenant)).await else { break };
        begun.notify_one();
        let made: Value = serde_json::from_str(&made).unwrap();
        let id = made["id"]["id"].as_str().unwrap().to_owned();
        let mut device = Acknowledged { id, events: vec!["DeviceRegistered"], name };

        let key = json!({"secretKey": key_of(&device.name), "durationMs": 600_000});
        let opened = http.post(format!("{url}/api/v1/{}/claim", device.name)).json(&key);
        let claim = http.post(format!("{url}/api/customer/device/{}/claim", device.name)).json(&key);
        let given_back = http.delete(format!("{url}/api/customer/device/{}/claim", device.name)).bearer_auth(customer);
        let steps =
            [(opened, "ClaimIssued"), (claim.bearer_auth(customer), "DeviceClaimed"), (given_back, "DeviceReclaimed")];
        // Every other device stays with its owner.
        for (request, event) in steps.into_iter().take(3 - number % 2) {
            if answered(request).await.is_none() {
                all.push(device);
                return all;
            }
            device.events.push(event);
        }
        all.push(device);
    }
    all
}

/// The body of an answer that came whole, or nothing if the server died over it.
async fn answered(request: RequestBuilder) -> Option<String> {
    let answer = request.send().await.ok()?;
    let status = answer.status();
    let body = answer.text().await.ok()?;
    assert_eq!(status, StatusCode::OK, "{body}");
    Some(body)
}

/// Everything acknowledged is in the log after a restart, and every acknowledged key still claims.
async fn look_for(data: &Path, acknowledged: &[Acknowledged]) {
    let server = serve(data);
    let url = &server.url;
    let tenant = sign_in(url, "tenant", "tenant").await;
    let customer = sign_in(url, "customer", "customer").await;
    let http = Client::new();
    for device in acknowledged {
        let request = http.get(format!("{url}/api/audit/devices/{}/events", device.id)).bearer_auth(&tenant);
        let events: Vec<Value> = serde_json::from_str(&answered(request).await.unwrap()).unwrap();
        for acknowledged in &device.events {
            let found = events.iter().filter(|event| event["eventType"] == *acknowledged).count();
            assert_eq!(found, 1, "{acknowledged} of {} in {events:?}", device.name);
        }
        let is_given_back = events.iter().any(|event| event["eventType"] == "DeviceReclaimed");
        if device.events.contains(&"ClaimIssued") && !is_given_back {
            // A claim whose answer was lost is repeated by the owner, so both cases are answered alike.
            let claim = http.post(format!("{url}/api/customer/device/{}/claim", device.name));
            let claim = claim.json(&json!({"secretKey": key_of(&device.name)})).bearer_auth(&customer);
            assert!(answered(claim).await.unwrap().contains("SUCCESS"), "{}", device.name);
        }
    }
    let (status, printed) = server.stop();
    assert!(status.success(), "{printed}");
}

fn serve(data: &Path) -> Server {
    Server::start(deed(data).args(["serve", "--demo"]).env("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true"))
}

fn assert_undamaged(data: &Path) {
    let (status, stdout, stderr) = run(deed(data).arg("check"));
    assert_eq!(status, 0, "{stdout}{stderr}");
}

async fn sign_in(url: &str, name: &str, password: &str) -> String {
    let person = json!({"username": format!("{name}@thingsboard.org"), "password": password});
    let pair = answered(Client::new().post(format!("{url}/api/auth/login")).json(&person)).await.unwrap();
    serde_json::from_str::<Value>(&pair).unwrap()["token"].as_str().unwrap().to_owned()
}

fn key_of(name: &str) -> String {
    format!("key-of-{name}-{MARK}")
}

#[expect(clippy::disallowed_methods, reason = "these settings are the test's own, not the service's")]
fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// The same number for the same seed and round.
fn random(seed: u64, round: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, round).hash(&mut hasher);
    hasher.finish()
}
