//! What devices send, and how it is acknowledged.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    client::{BOTH, Client, NOTHING, Version, connect, packet, publish},
    deed::world::{World, secret},
};

const CLAIM: &str = "v1/devices/me/claim";
const ALLOWED: &str = "A1_DEMO_TOKEN";
const NOT_ALLOWED: &str = "A5_DEMO_TOKEN";

fn claim(key: &str) -> String {
    json!({"secretKey": secret(key), "durationMs": 60_000}).to_string()
}

#[tokio::test]
async fn an_acknowledged_key_claims_the_device() {
    let mut world = World::start().await;
    for (n, version) in BOTH.into_iter().enumerate() {
        for (m, topic) in [CLAIM, "v2/c", "v2/c/j"].into_iter().enumerate() {
            let key = format!("K{n}{m}");
            let mut client = Client::connect(&world.server, version, ALLOWED).await;
            assert_eq!(client.ask(topic, claim(&key)).await.0, 0, "{version:?} {topic}");
            drop(client);
            world = world.restart();
            assert_eq!(world.claim_with(&world.customer_a, "Demo-1", &key).await.0, StatusCode::OK);
            assert_eq!(world.reclaim(&world.customer_a, "Demo-1").await.0, StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn a_refusal_is_told_where_the_protocol_has_words_for_it() {
    let world = World::start().await;
    let mut client = Client::connect(&world.server, Version::V5, NOT_ALLOWED).await;
    let (code, why) = client.ask(CLAIM, claim("K")).await;
    assert!(code == 0x87 && why.contains("not allowed"), "{code:02x} {why}");
    let mut client = Client::connect(&world.server, Version::V3, NOT_ALLOWED).await;
    assert_eq!(client.ask(CLAIM, claim("K")).await.0, 0);
    drop((client, world));
    let world = World::start_with(&[("MQTT_CLOSE_ON_REFUSAL", "true")]).await;
    let mut client = Client::connect(&world.server, Version::V3, NOT_ALLOWED).await;
    client.publish(CLAIM, claim("K"), 1, 1).await;
    assert_eq!(client.rest().await, NOTHING);
    drop((client, world));
    let world = World::start_with(&[("SECURITY_CLAIM_LEGACY_ACK", "true")]).await;
    let mut client = Client::connect(&world.server, Version::V5, NOT_ALLOWED).await;
    assert_eq!(client.ask(CLAIM, claim("K")).await.0, 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_or_ends_the_connection() {
    let world = World::start().await;
    let bad = ["nonsense", "[]", "null", r#"{"secretKey":null}"#, r#"{"durationMs":"x"}"#];
    let mut client = Client::connect(&world.server, Version::V5, ALLOWED).await;
    for payload in bad {
        assert_eq!(client.ask(CLAIM, payload).await.0, 0x99, "{payload}");
    }
    assert_eq!(client.ask("v1/nowhere", "").await.0, 0x90);
    assert_eq!(client.ask(CLAIM, "").await.0, 0, "no payload is an empty key");
    client.publish(CLAIM, "nonsense", 0, 0).await;
    assert_eq!(client.rest().await[..3], [0xe0, 2, 0x99]);
    for payload in bad {
        let mut client = Client::connect(&world.server, Version::V3, ALLOWED).await;
        assert_eq!(client.ask("v1/nowhere", "").await.0, 0);
        client.publish(CLAIM, payload, 1, 1).await;
        assert_eq!(client.rest().await, NOTHING, "{payload}");
    }
}

#[tokio::test]
async fn a_burst_behind_the_introduction_is_acknowledged_in_order() {
    let world = World::start().await;
    let before = transactions(&world).await;
    for version in BOTH {
        let mut burst = connect(version, "c", Some(ALLOWED), None, 60);
        for id in 1..=500_u16 {
            let payload = claim(&format!("K{id}"));
            let topic = if id % 7 == 0 { "v1/devices/me/telemetry" } else { CLAIM };
            burst.extend(publish(version, topic, payload.as_bytes(), 1, id));
        }
        let mut client = Client::silent(&world.server, version).await;
        client.send(&burst).await;
        assert_eq!(client.read().await[0], 0x20);
        for id in 1..=500_u16 {
            let expected = [&[0x40, 2][..], &id.to_be_bytes()].concat();
            assert_eq!(client.read().await, expected, "{version:?}");
        }
    }
    let made = transactions(&world).await - before;
    assert!(made < 250, "858 keys of two connections took {made} transactions");
    assert_eq!(world.claim_with(&world.customer_a, "Demo-1", "K500").await.0, StatusCode::OK, "the newest counts");
}

/// How many the server has made so far.
async fn transactions(world: &World) -> u64 {
    let metrics = world.client.get(format!("{}/metrics", world.server.url)).send().await.unwrap().text().await.unwrap();
    let count = metrics.lines().find_map(|line| line.strip_prefix("deed_append_duration_seconds_count "));
    count.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_message_of_qos_2_is_carried_out_once() {
    let world = World::start().await;
    for version in BOTH {
        let mut client = Client::connect(&world.server, version, ALLOWED).await;
        for _ in 0..2 {
            client.publish(CLAIM, claim("K2"), 2, 5).await;
            assert_eq!(client.read().await, [0x50, 2, 0, 5]);
        }
        client.send(&[0x62, 2, 0, 5]).await;
        assert_eq!(client.read().await, [0x70, 2, 0, 5]);
    }
    let mut client = Client::connect(&world.server, Version::V5, NOT_ALLOWED).await;
    client.publish(CLAIM, claim("K"), 2, 6).await;
    assert_eq!(client.read().await[4], 0x87);
    let mut client = Client::connect(&world.server, Version::V3, ALLOWED).await;
    client.publish(CLAIM, claim("Q0"), 0, 0).await;
    client.send(&[0xe0, 0]).await;
    assert_eq!(client.rest().await, NOTHING);
    assert_eq!(world.claim_with(&world.customer_a, "Demo-1", "Q0").await.0, StatusCode::OK, "QoS 0, and gone");
}

#[tokio::test]
async fn what_is_malformed_is_cut_off() {
    let world = World::start().await;
    let mut too_large = vec![0x32, 0x81, 0x80, 0x04];
    too_large.extend([0; 64]);
    for (what, bytes) in [
        ("QoS 3", &[0x36, 6, 0, 1, b'a', 0, 1, 0][..]),
        ("a packet id of 0", &publish(Version::V5, CLAIM, b"", 1, 0)),
        ("a wildcard in a topic", &publish(Version::V5, "v1/+", b"", 1, 1)),
        ("flags of SUBSCRIBE", &[0x80, 7, 0, 1, 0, 0, 1, b'#', 0]),
        ("no filters", &[0x82, 3, 0, 1, 0]),
        ("too large", &too_large),
        ("an unknown type", &[0x00, 0]),
    ] {
        let mut client = Client::connect(&world.server, Version::V5, ALLOWED).await;
        client.send(bytes).await;
        let rest = client.rest().await;
        assert_eq!(rest[..1], [0xe0], "{what}: {rest:02x?}");
        assert_eq!(rest[2], 0x81, "{what}: {rest:02x?}");
        let mut client = Client::connect(&world.server, Version::V3, ALLOWED).await;
        client.send(bytes).await;
        assert_eq!(client.rest().await, NOTHING, "{what}");
    }
    let mut client = Client::connect(&world.server, Version::V5, ALLOWED).await;
    client.send(&connect(Version::V5, "c", Some(ALLOWED), None, 60)).await;
    assert_eq!(client.rest().await[..3], [0xe0, 2, 0x82], "a second introduction");
    let largest = format!("{}{}", claim("L"), " ".repeat(65_512 - claim("L").len()));
    let mut client = Client::connect(&world.server, Version::V5, ALLOWED).await;
    assert_eq!(client.ask(CLAIM, largest).await.0, 0);
}

#[tokio::test]
async fn requests_are_answered() {
    let world = World::start().await;
    for version in BOTH {
        let mut client = Client::connect(&world.server, version, ALLOWED).await;
        let (topic, answered) = ("v1/devices/me/rpc/request/3", "v1/devices/me/rpc/response/3");
        assert_eq!(client.ask(topic, r#"{"method":"getSessionLimits","params":{"timeout":5000}}"#).await.0, 0);
        let (topic, limits) = client.message().await;
        let limits: Value = serde_json::from_str(&limits).unwrap();
        assert_eq!((topic.as_str(), &limits["maxPayloadSize"]), (answered, &json!(65_536)));
        assert_eq!(limits.get("gatewayRateLimits"), None);
        client.ask("v2/r/req/4", r#"{"method":"x"}"#).await;
        assert_eq!(client.message().await, ("v2/r/res/4".to_owned(), r#"{"error":"unsupported"}"#.to_owned()));
        assert_eq!(client.ask("v1/devices/me/attributes", r#"{"c1":"x","c2":2}"#).await.0, 0);
        assert_eq!(client.ask("v1/devices/me/telemetry", "{}").await.0, 0);
        client.ask("v1/devices/me/attributes/request/1", r#"{"clientKeys":"c2,none"}"#).await;
        let answer = r#"{"client":{"c2":2}}"#.to_owned();
        assert_eq!(client.message().await, ("v1/devices/me/attributes/response/1".to_owned(), answer));
        client.publish("v1/devices/me/attributes/request/abc", "{}", 1, 7).await;
        if version == Version::V5 {
            assert_eq!(client.read().await[4], 0x99)
        } else {
            client.rest().await;
        }
    }
}

#[tokio::test]
async fn acknowledgements_of_nothing_are_ignored() {
    let world = World::start().await;
    for version in BOTH {
        let mut client = Client::connect(&world.server, version, ALLOWED).await;
        // One comes in two pieces, between others.
        client.send(&[0x40, 2, 0, 9, 0x50, 2, 0]).await;
        client.hears_nothing().await;
        client.send(&[9, 0x70, 2, 0, 9, 0xc0, 0]).await;
        assert_eq!(client.read().await, [0xd0, 0], "{version:?}");
        client.ask("v1/devices/me/rpc/request/1", r#"{"method":"x"}"#).await;
        let (_, answer) = client.message().await;
        assert_eq!(answer, r#"{"error":"unsupported"}"#, "and those of something are not");
        assert_eq!(client.ask(CLAIM, claim("N")).await.0, 0);
    }
}

#[tokio::test]
async fn answers_have_the_qos_of_their_subscription() {
    let world = World::start().await;
    for version in BOTH {
        let mut client = Client::connect(&world.server, version, ALLOWED).await;
        let none: &[u8] = if version == Version::V5 { &[0] } else { &[] };
        let filter = b"\x00\x1cv1/devices/me/rpc/response/+\x00";
        client.send(&packet(0x82, &[&[0, 9], none, filter].concat())).await;
        assert_eq!(client.read().await.last(), Some(&0));
        client.ask("v1/devices/me/rpc/request/1", r#"{"method":"x"}"#).await;
        assert_eq!(client.read().await[0], 0x30, "{version:?}");
        assert_eq!(client.ask("v2/r/req/1", r#"{"method":"x"}"#).await.0, 0);
        assert_eq!(client.message().await.0, "v2/r/res/1", "this topic is not subscribed");
    }
}

#[tokio::test]
async fn filters_are_accepted_one_by_one() {
    let world = World::start().await;
    for (version, refused, shared) in [(Version::V3, 0x80, 0x80), (Version::V5, 0x8f, 0x9e)] {
        let mut client = Client::connect(&world.server, version, ALLOWED).await;
        let filters = ["v1/devices/me/attributes", "#", "v1/devices/me/rpc/request/+", "$share/g/v1/gateway/rpc"];
        assert_eq!(client.subscribe(&filters).await, [1, refused, 1, shared]);
    }
}

#[tokio::test]
async fn a_gateway_speaks_for_the_devices_behind_it() {
    let world = World::start_with(&[("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true")]).await;
    let gateway = json!({"name": "GW", "additionalInfo": {"gateway": true}});
    let path = "/api/device?accessToken=GATEWAY";
    assert_eq!(world.call(Method::POST, path, Some(&world.tenant), Some(gateway)).await.0, StatusCode::OK);
    for version in BOTH {
        let mut client = Client::connect(&world.server, version, "GATEWAY").await;
        let name = format!("Behind {version:?}");
        assert_eq!(client.ask("v1/gateway/connect", json!({"device": name, "type": "sensor"}).to_string()).await.0, 0);
        let claims = json!({name.clone(): {"secretKey": secret("GW"), "durationMs": 60_000}}).to_string();
        assert_eq!(client.ask("v1/gateway/claim", &claims).await.0, 0);
        client.ask("v1/devices/me/rpc/request/1", r#"{"method":"getSessionLimits"}"#).await;
        assert!(client.message().await.1.contains("gatewayRateLimits"));
        assert_eq!(world.claim_with(&world.customer_a, &name, "GW").await.0, StatusCode::OK);
        let (code, why) = client.ask("v1/gateway/claim", &claims).await;
        let told = if version == Version::V5 { 0x87 } else { 0 };
        assert!(code == told && (told == 0 || why.contains("already_claimed")), "{code:02x} {why}");
    }
    let mut client = Client::connect(&world.server, Version::V5, ALLOWED).await;
    assert_eq!(client.ask("v1/gateway/telemetry", "{}").await.0, 0x87, "no gateway");
    assert_eq!(client.ask("v1/gateway/nothing", "{}").await.0, 0x87, "no gateway");
    let mut client = Client::connect(&world.server, Version::V5, "GATEWAY").await;
    assert_eq!(client.ask("v1/gateway/claim", "{}").await.0, 0x99);
    assert_eq!(client.ask("v1/gateway/nothing", "{}").await.0, 0x90);
    for version in BOTH {
        let mut client = Client::connect(&world.server, version, "GATEWAY").await;
        let told = if version == Version::V5 { 0x99 } else { 0 };
        let (connect, claims) = (json!({"device": "<a>x</a>"}), json!({"": {}, "Beside": {"secretKey": secret("B")}}));
        assert_eq!(client.ask("v1/gateway/connect", connect.to_string()).await.0, told, "a name that cannot be");
        assert_eq!(client.ask("v1/gateway/claim", claims.to_string()).await.0, told, "{version:?}");
        assert_eq!(client.ask("v1/gateway/telemetry", "{}").await.0, 0, "the session stays");
    }
    assert_eq!(world.claim_with(&world.customer_a, "Beside", "B").await.0, StatusCode::OK);
}

/// A message that makes devices takes longer than one that need not, and is still the older one.
#[tokio::test]
async fn of_two_keys_that_a_gateway_sends_at_once_the_newer_counts() {
    let world = World::start_with(&[("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true")]).await;
    let gateway = json!({"name": "GW", "additionalInfo": {"gateway": true}});
    let path = "/api/device?accessToken=GATEWAY";
    assert_eq!(world.call(Method::POST, path, Some(&world.tenant), Some(gateway)).await.0, StatusCode::OK);
    let mut client = Client::connect(&world.server, Version::V5, "GATEWAY").await;
    for round in 0..10 {
        let name = format!("Twice-{round}");
        let claims = json!({name.clone(): {"secretKey": secret("first")}}).to_string();
        assert_eq!(client.ask("v1/gateway/claim", claims).await.0, 0);
        let mut many: serde_json::Map<_, _> =
            (0..20).map(|n| (format!("New-{round}-{n}"), json!({"secretKey": secret("n")}))).collect();
        many.insert(name.clone(), json!({"secretKey": secret("older")}));
        let burst = [
            publish(Version::V5, "v1/gateway/claim", Value::from(many).to_string().as_bytes(), 1, 1),
            publish(
                Version::V5,
                "v1/gateway/claim",
                json!({name.clone(): {"secretKey": secret("newer")}}).to_string().as_bytes(),
                1,
                2,
            ),
        ];
        client.send(&burst.concat()).await;
        for id in [1, 2] {
            assert_eq!(client.read().await[2..4], [0, id]);
        }
        let (status, told) = world.claim_with(&world.customer_a, &name, "newer").await;
        assert_eq!(status, StatusCode::OK, "round {round}: {told}");
    }
}
