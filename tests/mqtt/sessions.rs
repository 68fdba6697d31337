//! One session per device, and what it is told while it lasts.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    client::{Client, NOTHING, Version, connect, publish},
    deed::world::{World, secret},
};

const ALLOWED: &str = "A1_DEMO_TOKEN";

#[tokio::test]
async fn a_new_session_ends_the_older_one() {
    let world = World::start().await;
    let mut first = Client::connect(&world.server, Version::V5, ALLOWED).await;
    let mut second = Client::connect(&world.server, Version::V3, ALLOWED).await;
    assert_eq!(first.rest().await[..3], [0xe0, 2, 0x8e]);
    let mut third = Client::connect(&world.server, Version::V5, ALLOWED).await;
    assert_eq!(second.rest().await, NOTHING);
    third.hears_nothing().await;
}

#[tokio::test]
async fn who_gets_other_credentials_or_is_deleted_is_cut_off() {
    let world = World::start().await;
    let id = world.device("Gone").await;
    let token = crate::deed::world::token_of("Gone");
    let mut client = Client::connect(&world.server, Version::V5, &token).await;
    let path = format!("/api/device/{id}/credentials");
    let (_, mut credentials) = world.call(Method::GET, &path, Some(&world.tenant), None).await;
    credentials["credentialsId"] = "ANOTHER".into();
    world.call(Method::POST, "/api/device/credentials", Some(&world.tenant), Some(credentials)).await;
    assert_eq!(client.rest().await[..3], [0xe0, 2, 0x98]);
    let mut client = Client::connect(&world.server, Version::V3, "ANOTHER").await;
    let deleted = world.call(Method::DELETE, &format!("/api/device/{id}"), Some(&world.tenant), None).await;
    assert_eq!(deleted.0, StatusCode::OK);
    assert_eq!(client.rest().await, NOTHING);
}

#[tokio::test]
async fn a_device_hears_what_becomes_of_it() {
    let world = World::start().await;
    let mut client = Client::connect(&world.server, Version::V5, ALLOWED).await;
    assert_eq!(client.subscribe(&["v1/devices/me/attributes"]).await, [1]);
    let state = async |client: &mut Client| {
        let (topic, message) = client.message().await;
        assert_eq!(topic, "v1/devices/me/attributes");
        serde_json::from_str::<Value>(&message).unwrap()["claiming"]["state"].as_str().unwrap().to_owned()
    };
    client.ask("v1/devices/me/claim", json!({"secretKey": secret("S"), "durationMs": 60_000}).to_string()).await;
    assert_eq!(state(&mut client).await, "open");
    assert_eq!(world.claim_with(&world.customer_a, "Demo-1", "S").await.0, StatusCode::OK);
    assert_eq!(state(&mut client).await, "claimed");
    assert_eq!(world.reclaim(&world.customer_a, "Demo-1").await.0, StatusCode::OK);
    assert_eq!(state(&mut client).await, "reclaimed");
    client.ask("v1/devices/me/claim", json!({"secretKey": secret("S"), "durationMs": 500}).to_string()).await;
    assert_eq!(state(&mut client).await, "open");
    assert_eq!(state(&mut client).await, "expired");
}

#[tokio::test]
async fn a_device_that_was_away_asks_how_it_stands() {
    let world = World::start().await;
    let id = world.open_device("Away").await;
    let token = crate::deed::world::token_of("Away");
    let mut client = Client::connect(&world.server, Version::V5, &token).await;
    let ask = async |client: &mut Client, topic: &str, keys: Value| {
        client.publish(topic, keys.to_string(), 0, 0).await;
        serde_json::from_str::<Value>(&client.message().await.1).unwrap()
    };
    let (long, short) = ("v1/devices/me/attributes/request/1", "v2/a/req/2");
    let named = || json!({"sharedKeys": "claiming,interval"});
    let none = json!({"shared": {"claiming": {"state": "none", "expiresAt": null}}});
    assert_eq!(ask(&mut client, long, named()).await, none);
    assert_eq!(ask(&mut client, long, json!({})).await, json!({}), "who does not name it is not told");
    assert_eq!(ask(&mut client, long, json!({"clientKeys": "claiming"})).await, json!({}));
    client.ask("v1/devices/me/claim", json!({"secretKey": secret("S"), "durationMs": 60_000}).to_string()).await;
    drop(client);
    assert_eq!(world.claim_with(&world.customer_a, "Away", "S").await.0, StatusCode::OK);
    let claimed = json!({"shared": {"claiming": {"state": "claimed", "expiresAt": null}}});
    let mut client = Client::connect(&world.server, Version::V3, &token).await;
    assert_eq!(ask(&mut client, short, named()).await, claimed);
    let path = format!("/api/v1/{token}/attributes?sharedKeys=claiming");
    assert_eq!(world.call(Method::GET, &path, None, None).await, (StatusCode::OK, claimed));
    let path = format!("/api/plugins/telemetry/DEVICE/{id}/SHARED_SCOPE");
    let own = Some(json!({"claiming": "own"}));
    assert_eq!(world.call(Method::POST, &path, Some(&world.tenant), own).await.0, StatusCode::OK);
    assert_eq!(ask(&mut client, short, named()).await, json!({"shared": {"claiming": "own"}}));
}

#[tokio::test]
async fn a_request_is_answered_after_all_that_was_sent_before_it() {
    let world = World::start().await;
    for version in [Version::V3, Version::V5] {
        let mut client = Client::connect(&world.server, version, ALLOWED).await;
        let burst = (0..20_u8).flat_map(|n| {
            let put = publish(version, "v1/devices/me/attributes", json!({"n": n}).to_string().as_bytes(), 0, 0);
            let ask = publish(version, &format!("v2/a/req/{n}"), br#"{"clientKeys":"n"}"#, 0, 0);
            [put, ask].concat()
        });
        client.send(&burst.collect::<Vec<u8>>()).await;
        for n in 0..20_i64 {
            let (topic, answer) = client.message().await;
            assert_eq!(topic, format!("v2/a/res/{n}"));
            // What was sent after it may count, too.
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert!(answer["client"]["n"].as_i64().is_some_and(|told| told >= n), "{n}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_device_hears_of_shared_attributes() {
    let world = World::start().await;
    let id = world.device("Shared").await;
    let mut client = Client::connect(&world.server, Version::V3, &crate::deed::world::token_of("Shared")).await;
    client.subscribe(&["v1/devices/me/attributes"]).await;
    let path = format!("/api/plugins/telemetry/DEVICE/{id}/SHARED_SCOPE");
    let shared = Some(json!({"interval": 5}));
    assert_eq!(world.call(Method::POST, &path, Some(&world.tenant), shared).await.0, StatusCode::OK);
    assert_eq!(client.message().await.1, r#"{"interval":5}"#);
    let path = format!("{path}?keys=interval");
    assert_eq!(world.call(Method::DELETE, &path, Some(&world.tenant), None).await.0, StatusCode::OK);
    assert_eq!(client.message().await.1, r#"{"deleted":["interval"]}"#);
}

#[tokio::test]
async fn a_device_adds_itself_in_a_session_of_its_own() {
    let world = World::start().await;
    let (_, profile) = world.call(Method::GET, "/api/deviceProfileInfo/default", Some(&world.tenant), None).await;
    let path = format!("/api/deviceProfile/{}", profile["id"]["id"].as_str().unwrap());
    let (_, mut profile) = world.call(Method::GET, &path, Some(&world.tenant), None).await;
    profile["provisionType"] = "ALLOW_CREATE_NEW_DEVICES".into();
    profile["provisionDeviceKey"] = "fleet".into();
    let rule = json!({"type": "ALLOW_CREATE_NEW_DEVICES", "provisionDeviceSecret": "hidden"});
    profile["profileData"]["provisionConfiguration"] = rule;
    let saved = world.call(Method::POST, "/api/deviceProfile", Some(&world.tenant), Some(profile)).await;
    assert_eq!(saved.0, StatusCode::OK, "{}", saved.1);
    for version in [Version::V3, Version::V5] {
        let mut client = Client::silent(&world.server, version).await;
        client.send(&connect(version, "", Some("provision"), None, 60)).await;
        assert_eq!(client.read().await[3], 0);
        assert_eq!(client.subscribe(&["/provision/response"]).await, [1]);
        let name = format!("New {version:?}");
        let request = json!({"provisionDeviceKey": "fleet", "provisionDeviceSecret": "hidden", "deviceName": name});
        assert_eq!(client.ask("/provision/request", request.to_string()).await.0, 0);
        let (topic, reply) = client.message().await;
        let reply: Value = serde_json::from_str(&reply).unwrap();
        assert_eq!((topic.as_str(), &reply["status"]), ("/provision/response", &json!("SUCCESS")));
        let token = reply["credentialsValue"].as_str().unwrap();
        Client::connect(&world.server, version, token).await;
        client.publish("v1/devices/me/claim", "{}", 1, 3).await;
        let rest = client.rest().await;
        let last: &[u8] = if version == Version::V5 { &[0xe0, 2, 0x90, 0] } else { &[] };
        assert!(rest.starts_with(&[0x40]) && rest.ends_with(last), "{rest:02x?}");
        for incomplete in ["", r#"{"provisionDeviceKey":"fleet"}"#] {
            let mut client = Client::silent(&world.server, version).await;
            client.send(&connect(version, "", Some("provision"), None, 60)).await;
            client.read().await;
            client.publish("/provision/request", incomplete, 1, 3).await;
            let rest = client.rest().await;
            let last: &[u8] = if version == Version::V5 { &[0xe0, 2, 0x83, 0] } else { &[] };
            assert!(rest.starts_with(&[0x40]) && rest.ends_with(last), "{rest:02x?}");
            assert!(version == Version::V3 || rest[4] == 0x83, "{rest:02x?}");
        }
    }
}

#[tokio::test]
async fn who_is_connected_hears_that_the_service_stops() {
    let world = World::start().await;
    let mut client = Client::connect(&world.server, Version::V5, ALLOWED).await;
    let mut silent = Client::silent(&world.server, Version::V5).await;
    world.server.signal("TERM");
    assert_eq!(client.rest().await[..3], [0xe0, 2, 0x8b]);
    assert_eq!(silent.rest().await, NOTHING);
}
