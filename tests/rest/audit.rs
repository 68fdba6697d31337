//! What administrators and auditors read of devices' lives (`docs/protocol.md`, audit).

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::deed::world::{World, sign_in};

async fn auditor(world: &World) -> String {
    sign_in(&world.client, &world.server.url, "auditor@thingsboard.org", "auditor").await
}

/// What the auditor is told.
async fn told(world: &World, auditor: &str, path: &str) -> Value {
    let (status, told) = world.call(Method::GET, path, Some(auditor), None).await;
    assert_eq!(status, StatusCode::OK, "{path}: {told}");
    told
}

#[tokio::test]
async fn the_state_after_each_event_is_that_of_its_position() {
    let world = World::start().await;
    let auditor = auditor(&world).await;
    let id = world.open_device("Slid").await;
    assert_eq!(world.register("Slid", "first", 60_000).await, StatusCode::OK);
    assert_eq!(world.register("Slid", "right", 60_000).await, StatusCode::OK);
    world.claim_with(&world.customer_b, "Slid", "wrong").await;
    world.claim_with(&world.customer_a, "Slid", "right").await;
    world.call(Method::DELETE, &format!("/api/device/{id}"), Some(&world.tenant), None).await;

    let device = format!("/api/audit/devices/{id}");
    let events = told(&world, &auditor, &format!("{device}/events")).await;
    let events = events.as_array().unwrap();
    let mut seen = Vec::new();
    for event in events {
        let state = told(&world, &auditor, &format!("{device}/state?position={}", event["position"])).await;
        assert_eq!((&state["position"], &state["sequence"]), (&event["position"], &event["sequence"]));
        assert_eq!(state["at"], event["recordedAt"]);
        let device = &state["device"];
        let keys = device["claimKeys"].as_array().map_or(0, Vec::len);
        let kind = event["eventType"].as_str().unwrap();
        seen.push((kind, device["owner"].is_object(), device["claimingAllowed"].clone(), keys));
    }
    let (allowed, gone) = (json!(true), Value::Null);
    let expected = [
        ("DeviceRegistered", false, gone.clone(), 0),
        ("ClaimingAllowed", false, allowed.clone(), 0),
        ("ClaimIssued", false, allowed.clone(), 1),
        ("ClaimRevoked", false, allowed.clone(), 0),
        ("ClaimIssued", false, allowed.clone(), 1),
        ("ClaimRefused", false, allowed.clone(), 1),
        ("DeviceClaimed", true, allowed.clone(), 1),
        ("ClaimRevoked", true, allowed, 0),
        ("ClaimingDisallowed", true, gone.clone(), 0),
        ("DeviceRemoved", false, gone, 0),
    ];
    assert_eq!(seen, expected);

    // A position between two of the device is as good, and so is one beyond the end of the log.
    let last = told(&world, &auditor, &format!("{device}/state?position=4611686018427387904")).await;
    assert_eq!(last["position"], events.last().unwrap()["position"]);
    let first = events[0]["position"].as_u64().unwrap();
    let none = told(&world, &auditor, &format!("{device}/state?position={}", first - 1)).await;
    assert_eq!(
        none,
        json!({"deviceId": id, "at": 0, "position": 0, "sequence": 0, "state": "unregistered", "device": null})
    );

    for query in ["at=1&position=1", "position=-1", "position=x", "position=9223372036854775808"] {
        let (status, body) = world.call(Method::GET, &format!("{device}/state?{query}"), Some(&auditor), None).await;
        assert_eq!((status, &body["errorCode"]), (StatusCode::BAD_REQUEST, &json!(31)), "{query}");
    }
}
