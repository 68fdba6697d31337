//! Keys that an administrator adds beside the device's own, over real HTTP (`docs/protocol.md`, Claim keys).

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::deed::world::{World, later, secret};

async fn add(world: &World, id: &str, repeat: Option<&str>, body: Value) -> (StatusCode, Value) {
    let url = format!("{}/api/devices/{id}/claim-keys", world.server.url);
    let mut request = world.client.post(url).bearer_auth(&world.tenant).json(&body);
    if let Some(key) = repeat {
        request = request.header("Idempotency-Key", key);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn listed(world: &World, id: &str) -> Vec<Value> {
    let path = format!("/api/devices/{id}/claim-keys");
    let (status, keys) = world.call(Method::GET, &path, Some(&world.tenant), None).await;
    assert_eq!(status, StatusCode::OK);
    keys.as_array().unwrap().clone()
}

async fn revoke(world: &World, id: &str, key: &Value) -> StatusCode {
    let path = format!("/api/devices/{id}/claim-keys/{}", key.as_str().unwrap());
    world.call(Method::DELETE, &path, Some(&world.tenant), None).await.0
}

#[tokio::test]
async fn a_key_that_the_service_made_is_shown_once_and_claims_as_people_type_it() {
    let world = World::start().await;
    let id = world.device("made").await;
    let (status, made) = add(&world, &id, None, json!({})).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let key = made["secretKey"].as_str().unwrap();
    assert_eq!(key.len(), 19, "15 characters and one to check them, in groups of four");
    let list = listed(&world, &id).await;
    assert_eq!((&list[0]["keyId"], list.len()), (&made["keyId"], 1));
    assert!(!Value::from(list).to_string().contains(key));
    let typed = key.to_lowercase().replace('-', " ");
    let (status, claimed) = world.claim(&world.customer_a, "made", json!({"secretKey": typed})).await;
    assert_eq!((status, &claimed["response"]), (StatusCode::OK, &json!("SUCCESS")));
    assert!(listed(&world, &id).await.is_empty());
}

#[tokio::test]
async fn any_of_several_keys_claims_and_a_revoked_one_does_not() {
    let world = World::start().await;
    let id = world.device("several").await;
    let mut keys = Vec::new();
    for name in ["one", "two", "three"] {
        let (status, added) =
            add(&world, &id, None, json!({"secretKey": secret(name), "expirationTime": later()})).await;
        assert_eq!(
            (status, &added["secretKey"], &added["expirationTime"]),
            (StatusCode::CREATED, &Value::Null, &json!(later()))
        );
        keys.push(added["keyId"].clone());
    }
    assert_eq!(revoke(&world, &id, &keys[0]).await, StatusCode::NO_CONTENT);
    assert_eq!(revoke(&world, &id, &keys[0]).await, StatusCode::NOT_FOUND);
    assert_eq!(listed(&world, &id).await.len(), 2);
    assert_eq!(world.claim_with(&world.customer_a, "several", "one").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(world.claim_with(&world.customer_b, "several", "three").await.0, StatusCode::OK);
    assert_eq!(world.claim_with(&world.customer_a, "several", "two").await.1, json!("CLAIMED"));
}

#[tokio::test]
async fn a_key_works_from_its_time_on() {
    let world = World::start().await;
    let id = world.device("soon").await;
    let now = add(&world, &id, None, json!({"durationMs": 1})).await.1["issuedAt"].as_i64().unwrap();
    let body = json!({"secretKey": secret("k"), "notBefore": now + 2_000, "durationMs": 60_000});
    let (_, added) = add(&world, &id, None, body).await;
    assert_eq!(added["expirationTime"], json!(now + 62_000));
    assert_eq!(world.claim_with(&world.customer_a, "soon", "k").await.1, json!("FAILURE"));
    tokio::time::sleep(Duration::from_millis(2_300)).await;
    assert_eq!(world.claim_with(&world.customer_a, "soon", "k").await.0, StatusCode::OK);
}

/// Whatever has become of the key: a lost answer is no reason to make a second one.
#[tokio::test]
async fn a_repeated_request_adds_no_second_key() {
    let world = World::start().await;
    for (name, end) in [("stands", ""), ("revoked", "revoke"), ("used", "claim"), ("ran-out", "wait")] {
        let id = world.device(name).await;
        let body = json!({"secretKey": secret(name), "durationMs": if end == "wait" { 300 } else { 60_000 }});
        let (_, first) = add(&world, &id, Some(name), body.clone()).await;
        match end {
            "revoke" => assert_eq!(revoke(&world, &id, &first["keyId"]).await, StatusCode::NO_CONTENT),
            "claim" => assert_eq!(world.claim_with(&world.customer_a, name, name).await.0, StatusCode::OK),
            "wait" => tokio::time::sleep(Duration::from_millis(2_000)).await,
            _ => {}
        }
        let (status, again) = add(&world, &id, Some(name), body).await;
        assert_eq!((status, &again["keyId"]), (StatusCode::CREATED, &first["keyId"]), "{end}");
        assert_eq!((&again["secretKey"], &again["issuedAt"]), (&Value::Null, &first["issuedAt"]), "{end}");
        assert_eq!(listed(&world, &id).await.len(), usize::from(end.is_empty()), "{end}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused_with_a_code() {
    let world = World::start().await;
    let id = world.device("bad").await;
    for body in [
        json!(null),
        json!([]),
        json!({"secretKey": ""}),
        json!({"secretKey": {}}),
        json!({"durationMs": 0}),
        json!({"durationMs": "long"}),
        json!({"durationMs": 1.5}),
        json!({"durationMs": 1, "expirationTime": later()}),
        json!({"expirationTime": 1}),
        json!({"notBefore": later(), "expirationTime": later() - 1}),
        json!({"notBefore": true}),
    ] {
        let (status, error) = add(&world, &id, None, body.clone()).await;
        assert_eq!((status, &error["errorCode"]), (StatusCode::BAD_REQUEST, &json!(31)), "{body}");
    }
    for number in 0..32 {
        assert_eq!(
            add(&world, &id, None, json!({"secretKey": secret(&number.to_string())})).await.0,
            StatusCode::CREATED
        );
    }
    assert_eq!(add(&world, &id, None, json!({})).await.0, StatusCode::BAD_REQUEST);
    let elsewhere = "01937500-0000-7000-8000-00000000dead";
    assert_eq!(add(&world, elsewhere, None, json!({})).await.0, StatusCode::NOT_FOUND);
}
