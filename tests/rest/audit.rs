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

#[tokio::test]
async fn auditors_find_devices() {
    let world = World::start().await;
    let auditor = auditor(&world).await;
    let (free, owned) = (world.device("F-1").await, world.open_device("F-2").await);
    world.register("F-2", "right", 60_000).await;
    world.claim_with(&world.customer_a, "F-2", "right").await;
    let gone = world.device("F-3").await;
    world.call(Method::DELETE, &format!("/api/device/{gone}"), Some(&world.tenant), None).await;

    let path = "/api/audit/devices?pageSize=10&page=0&sortProperty=name&sortOrder=DESC&textSearch=f-";
    let page = told(&world, &auditor, path).await;
    let row = |place: usize, id: &str, name: &str, owner: Value| {
        let created = &page["data"][place]["createdTime"];
        assert!(created.is_i64());
        json!({"deviceId": id, "name": name, "type": "default", "label": null, "createdTime": created, "customerId": owner})
    };
    let owner = world.owner_of(&world.customer_a).await;
    assert_eq!(page["data"], json!([row(0, &owned, "F-2", owner), row(1, &free, "F-1", Value::Null)]));
    assert_eq!((&page["totalElements"], &page["hasNext"]), (&json!(2), &json!(false)));
    assert_eq!(told(&world, &world.tenant, path).await, page);
    assert_eq!(told(&world, &auditor, &format!("{path}&type=none")).await["totalElements"], 0);
    let (status, _) = world.call(Method::GET, "/api/audit/devices", Some(&auditor), None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn names_in_a_history_are_those_of_today() {
    let world = World::start().await;
    let auditor = auditor(&world).await;
    let id = world.open_device("Named").await;
    let path = format!("/api/audit/devices/{id}/names");
    let id_of = async |user: &str| {
        world.call(Method::GET, "/api/auth/user", Some(user), None).await.1["id"]["id"].as_str().unwrap().to_owned()
    };
    let admin = id_of(&world.tenant).await;
    assert_eq!(
        told(&world, &auditor, &path).await,
        json!({"customers": {}, "users": {&admin: "tenant@thingsboard.org"}})
    );

    world.register("Named", "right", 60_000).await;
    world.claim_with(&world.customer_b, "Named", "wrong").await;
    world.claim_with(&world.customer_a, "Named", "right").await;
    let owner_of = async |user: &str| world.owner_of(user).await.as_str().unwrap().to_owned();
    let (a, b) = (owner_of(&world.customer_a).await, owner_of(&world.customer_b).await);
    let (user_a, user_b) = (id_of(&world.customer_a).await, id_of(&world.customer_b).await);
    let names = told(&world, &auditor, &path).await;
    assert_eq!(names["customers"], json!({&a: "Customer A", &b: "Customer B"}));
    let users = json!({
        &admin: "tenant@thingsboard.org", &user_a: "customer@thingsboard.org", &user_b: "customerB@thingsboard.org",
    });
    assert_eq!(names["users"], users);

    // Who is erased has no name any more; the device keeps its history.
    world.call(Method::DELETE, &format!("/api/user/{user_b}"), Some(&world.tenant), None).await;
    world.call(Method::DELETE, &format!("/api/device/{id}"), Some(&world.tenant), None).await;
    let names = told(&world, &auditor, &path).await;
    assert_eq!(names["users"], json!({&admin: "tenant@thingsboard.org", &user_a: "customer@thingsboard.org"}));
    assert_eq!(names["customers"], json!({&a: "Customer A", &b: "Customer B"}));
}
