//! The bridge to a broker that devices send to already, by the real binary and real brokers (`docs/protocol.md`, bridge to a
//! broker).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../clients/certificates.rs"]
mod certificates;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../deed/mod.rs"]
mod deed;

mod broker;
mod proxy;

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use self::{
    broker::{Kind, Mosquitto, Rumqttd, mosquitto_pub_lines},
    certificates::Certificates,
    deed::world::{World, secret},
    proxy::Proxy,
};

fn claim(key: &str) -> String {
    json!({"secretKey": secret(key), "durationMs": 600_000}).to_string()
}

async fn bridged(broker: &impl Kind, topic: &str) -> World {
    let url = format!("mqtt://{}", broker.address());
    let reply = format!("{topic}/reply");
    World::start_with(&[("DEED_BRIDGE_URL", &url), ("DEED_BRIDGE_TOPIC", topic), ("DEED_BRIDGE_REPLY_TOPIC", &reply)])
        .await
}

/// Publishes until a reply comes, as the bridge may not have asked for messages yet; gives the reply. What was published once
/// too often is answered then, too, so that no later question hears of it: replies have the order of the messages.
async fn ask(broker: &impl Kind, device: &str, message: &str) -> Value {
    static FENCES: AtomicU32 = AtomicU32::new(0);
    let reply = first_reply(broker, device, message).await;
    first_reply(broker, &format!("Fence-{}", FENCES.fetch_add(1, Ordering::Relaxed)), "{}").await;
    reply
}

async fn first_reply(broker: &impl Kind, device: &str, message: &str) -> Value {
    let mut replies = broker.listen(&format!("fleet/{device}/claim/reply"));
    for _ in 0..100 {
        broker.publish(&format!("fleet/{device}/claim"), message);
        for _ in 0..10 {
            if let Some(reply) = replies.heard() {
                return serde_json::from_str(&reply).unwrap();
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
    panic!("no reply for {device}");
}

/// How often something is killed: `DEED_BRIDGE_KILLS=50 cargo test --test bridge`.
#[expect(clippy::disallowed_methods, reason = "this setting is the test's own, not the service's")]
fn kills() -> u32 {
    std::env::var("DEED_BRIDGE_KILLS").map_or(4, |kills| kills.parse().unwrap())
}

async fn claims_in_the_end(world: &World, name: &str, key: &str) {
    for _ in 0..400 {
        if world.claim_with(&world.customer_a, name, key).await.0 == StatusCode::OK {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("{name} cannot be claimed");
}

async fn a_device_is_told_what_became_of_its_message(broker: &impl Kind) {
    let world = bridged(broker, "fleet/{name}/claim").await;
    let reply = ask(broker, "Demo-1", &claim("K")).await;
    assert!(reply["status"] == "registered" && reply["expiresAt"].is_i64(), "{reply}");
    assert_eq!(world.claim_with(&world.customer_a, "Demo-1", "K").await.0, StatusCode::OK);
    for (device, message, code) in [
        ("Demo-1", claim("K"), "already_claimed"),
        ("Demo-5", claim("K"), "claiming_not_allowed"),
        ("Nobody", claim("K"), "unknown_device"),
        ("Demo-2", "nonsense".to_owned(), "malformed"),
        ("Demo-2", r#"{"secretKey":null}"#.to_owned(), "malformed"),
    ] {
        let reply = ask(broker, device, &message).await;
        assert!(reply["status"] == "refused" && reply["code"] == code, "{device}: {reply}");
    }
    let events = world.call(reqwest::Method::GET, "/api/audit/events?limit=1000", Some(&world.tenant), None).await.1;
    let over_it = events.as_array().unwrap().iter().filter(|event| event["transport"] == "bridge").count();
    assert!(over_it >= 3, "{events}");
}

/// Whatever is killed, a message that the broker has taken is carried out in the end.
async fn what_the_broker_has_taken_is_carried_out(mut broker: impl Kind, kills: u32) {
    let data = TempDir::new().unwrap();
    let url = format!("mqtt://{}", broker.address());
    let environment = [("DEED_BRIDGE_URL", url.as_str()), ("DEED_BRIDGE_TOPIC", "fleet/{name}/claim")];
    let mut world = World::start_on(data, &environment).await;
    claims_in_the_end_after(&broker, &world).await;
    let mut names = Vec::new();
    for kill in 0..kills {
        let batch: Vec<_> = (0..40).map(|n| format!("bridged-{kill}-{n}")).collect();
        for name in &batch {
            world.open_device(name).await;
        }
        for (n, name) in batch.iter().enumerate() {
            broker.publish(&format!("fleet/{name}/claim"), &claim(name));
            if n == 20 {
                if kill % 2 == 0 || !broker.keeps_over_restart() {
                    world = world.restart_with(&environment);
                } else {
                    broker.restart();
                }
            }
        }
        names.extend(batch);
    }
    for name in &names {
        claims_in_the_end(&world, name, name).await;
    }
}

/// Waits until the bridge has asked for messages: from then on the broker keeps them.
async fn claims_in_the_end_after(broker: &impl Kind, world: &World) {
    for _ in 0..200 {
        broker.publish("fleet/Demo-1/claim", &claim("first"));
        if world.claim_with(&world.customer_a, "Demo-1", "first").await.0 == StatusCode::OK {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("nothing came through the broker");
}

#[tokio::test]
async fn over_mosquitto_a_device_is_told_what_became_of_its_message() {
    a_device_is_told_what_became_of_its_message(&Mosquitto::start()).await;
}

/// Many messages at once are all acknowledged, so that none comes again after a restart and opens the device to an old key.
#[tokio::test]
async fn of_a_burst_the_newest_key_counts_and_none_comes_back() {
    const BURST: usize = 900;
    let broker = Mosquitto::start();
    let url = format!("mqtt://{}", broker.address());
    let environment = [
        ("DEED_BRIDGE_URL", url.as_str()),
        ("DEED_BRIDGE_TOPIC", "fleet/{name}/claim"),
        ("DEED_BRIDGE_REPLY_TOPIC", "fleet/{name}/claim/reply"),
    ];
    let world = World::start_with(&environment).await;
    world.open_device("burst").await;
    ask(&broker, "Demo-2", &claim("first")).await;
    let lines: Vec<_> = (0..BURST).map(|n| claim(&format!("key-{n}"))).collect();
    mosquitto_pub_lines(&broker.address(), "fleet/burst/claim", &lines);
    // Until all are carried out the last key is a wrong one, and who tries it too often is locked out.
    ask(&broker, "Demo-2", &claim("behind")).await;
    claims_in_the_end(&world, "burst", &format!("key-{}", BURST - 1)).await;
    assert_eq!(world.reclaim(&world.customer_a, "burst").await.0, StatusCode::OK);
    // Its reply follows the acknowledgements of all before it.
    ask(&broker, "Demo-2", &claim("between")).await;
    let world = world.restart_with(&environment);
    // What was not acknowledged would come first.
    ask(&broker, "Demo-2", &claim("second")).await;
    for n in [0, BURST / 2, BURST - 1] {
        let (status, told) = world.claim_with(&world.customer_b, "burst", &format!("key-{n}")).await;
        assert_eq!((status, told), (StatusCode::BAD_REQUEST, json!("FAILURE")), "{n}");
    }
}

/// Whose acknowledgement was lost comes again, and is not carried out again: the device has had an owner since. The same key sent
/// anew is.
#[tokio::test]
async fn a_key_does_not_come_back_with_a_message_that_comes_again() {
    let broker = Mosquitto::start();
    let proxy = Proxy::before(broker.address()).await;
    let url = format!("mqtt://{}", proxy.address);
    let world = World::start_with(&[
        ("DEED_BRIDGE_URL", &url),
        ("DEED_BRIDGE_TOPIC", "fleet/{name}/claim"),
        ("DEED_BRIDGE_REPLY_TOPIC", "fleet/{name}/claim/reply"),
    ])
    .await;
    world.open_device("D").await;
    ask(&broker, "Demo-2", &claim("first")).await;
    proxy.lose();
    broker.publish("fleet/D/claim", &claim("K"));
    claims_in_the_end(&world, "D", "K").await;
    assert_eq!(world.reclaim(&world.customer_a, "D").await.0, StatusCode::OK);
    proxy.cut();
    // What comes again comes first.
    ask(&broker, "Demo-2", &claim("second")).await;
    let (status, told) = world.claim_with(&world.customer_b, "D", "K").await;
    assert_eq!((status, told), (StatusCode::BAD_REQUEST, json!("FAILURE")));
    let metrics = world.client.get(format!("{}/metrics", world.server.url)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    // The first one comes again as well, if what acknowledges it was on its way when that began to be lost.
    let again = metrics.lines().find_map(|line| line.strip_prefix("deed_bridge_messages_total{outcome=\"again\"} "));
    assert!(matches!(again, Some("1" | "2")), "{metrics}");
    broker.publish("fleet/D/claim", &claim("K"));
    claims_in_the_end(&world, "D", "K").await;
}

/// A device that cannot be read is refused; the others are served.
#[tokio::test]
async fn a_damaged_device_does_not_hold_up_the_others() {
    if crate::deed::on_postgres() {
        // It reaches into the file.
        return;
    }
    let broker = Mosquitto::start();
    let data = TempDir::new().unwrap();
    let file = data.path().join("deed.db");
    let world = World::start_on(data, &[]).await;
    let id = world.device("damaged").await;
    let hole = format!("UPDATE events SET payload = '{{' WHERE aggregate_id = '{id}'");
    let World { data, server, .. } = world;
    assert!(server.stop().0.success());
    assert_eq!(rusqlite::Connection::open(file).unwrap().execute(&hole, []).unwrap(), 1);
    let url = format!("mqtt://{}", broker.address());
    let environment = [
        ("DEED_BRIDGE_URL", url.as_str()),
        ("DEED_BRIDGE_TOPIC", "fleet/{name}/claim"),
        ("DEED_BRIDGE_REPLY_TOPIC", "fleet/{name}/claim/reply"),
    ];
    let world = World::start_on(data, &environment).await;
    assert_eq!(ask(&broker, "damaged", &claim("K")).await["code"], "damaged");
    assert_eq!(ask(&broker, "Demo-1", &claim("K")).await["status"], "registered");
    drop(world);
}

#[tokio::test]
async fn over_mosquitto_what_it_has_taken_is_carried_out() {
    what_the_broker_has_taken_is_carried_out(Mosquitto::start(), kills()).await;
}

#[tokio::test]
async fn over_rumqttd_a_device_is_told_what_became_of_its_message() {
    a_device_is_told_what_became_of_its_message(&Rumqttd::start()).await;
}

#[tokio::test]
async fn over_rumqttd_what_it_has_taken_is_carried_out() {
    what_the_broker_has_taken_is_carried_out(Rumqttd::start(), kills()).await;
}

/// The broker vouches for the level of the topic: a device publishes under its own name alone.
#[tokio::test]
async fn a_broker_with_accounts_and_tls_vouches_for_its_devices() {
    let certificates = Certificates::make();
    let broker =
        Mosquitto::start_secured(&certificates, &[("deed", "bridge-pass"), ("Demo-1", "one"), ("Demo-2", "two")]);
    let url = format!("mqtts://{}", broker.address());
    let authority = format!("{}/server.pem", certificates.path());
    let world = World::start_with(&[
        ("DEED_BRIDGE_URL", &url),
        ("DEED_BRIDGE_TOPIC", "fleet/{name}/claim"),
        ("DEED_BRIDGE_TENANT", "Demo Tenant"),
        ("DEED_BRIDGE_CA_FILE", &authority),
        ("DEED_BRIDGE_USERNAME", "deed"),
        ("DEED_BRIDGE_PASSWORD", "bridge-pass"),
    ])
    .await;
    for _ in 0..100 {
        broker.publish_as("Demo-2", "two", "fleet/Demo-1/claim", &claim("stolen"));
        broker.publish_as("Demo-1", "one", "fleet/Demo-1/claim", &claim("own"));
        if world.claim_with(&world.customer_a, "Demo-1", "own").await.0 == StatusCode::OK {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(world.owner(&device_id(&world, "Demo-1").await).await, world.owner_of(&world.customer_a).await);
    let history = world.call(reqwest::Method::GET, "/api/audit/events?limit=1000", Some(&world.tenant), None).await.1;
    let issued = history.as_array().unwrap().iter().filter(|event| event["transport"] == "bridge");
    let keys: Vec<_> = issued.filter(|event| event["eventType"] == "ClaimIssued").collect();
    assert!(!keys.is_empty());
    // The stolen name's key never came.
    assert_ne!(world.claim_with(&world.customer_b, "Demo-1", "stolen").await.0, StatusCode::OK);
    let (_, printed) = world.server.stop();
    assert!(!printed.contains("bridge-pass"), "{printed}");
}

async fn device_id(world: &World, name: &str) -> String {
    let path = format!("/api/tenant/devices?deviceName={name}");
    let (_, device) = world.call(reqwest::Method::GET, &path, Some(&world.tenant), None).await;
    device["id"]["id"].as_str().unwrap().to_owned()
}

/// A token as the level, and messages that are no claim of today: what is retained, and what is too large for anything.
#[tokio::test]
async fn tokens_name_devices_and_old_messages_are_no_claims() {
    let broker = Mosquitto::start();
    broker.publish_retained("fleet/A1_DEMO_TOKEN/claim", &claim("old"));
    let world = bridged(&broker, "fleet/{token}/claim").await;
    let reply = ask(&broker, "A2_DEMO_TOKEN", &claim("K")).await;
    assert_eq!(reply["status"], "registered", "{reply}");
    assert_eq!(world.claim_with(&world.customer_a, "Demo-2", "K").await.0, StatusCode::OK);
    assert_ne!(world.claim_with(&world.customer_a, "Demo-1", "old").await.0, StatusCode::OK);
    let large = json!({"secretKey": "x".repeat(70_000)}).to_string();
    assert_eq!(ask(&broker, "A1_DEMO_TOKEN", &large).await["code"], "too_large");
    broker.publish("fleet/A1_DEMO_TOKEN/claim", &"x".repeat(300_000));
    assert_eq!(ask(&broker, "A1_DEMO_TOKEN", &claim("K")).await["status"], "registered", "and it goes on");
}

/// A broker that is not there yet stops nobody.
#[tokio::test]
async fn a_broker_may_come_later() {
    let mut broker = Mosquitto::start();
    broker.kill();
    let world = bridged(&broker, "fleet/{name}/claim").await;
    assert_eq!(world.register("Demo-2", "K", 60_000).await, StatusCode::UNAUTHORIZED, "REST answers");
    broker.restart();
    assert_eq!(ask(&broker, "Demo-1", &claim("K")).await["status"], "registered");
}
