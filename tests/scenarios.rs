//! The acceptance scenarios of claiming, over real HTTP against the real binary (`docs/protocol.md`).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use std::{sync::Arc, time::Duration};

use deed_adapters::{
    Store,
    sqlite::{SqliteOptions, SqliteStore},
    surroundings::SystemClock,
};
use deed_domain::{
    ids::{CustomerId, UserId},
    ports::{Customer, Customers, User, Users},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use self::deed::world::{Answer, World, later, secret, serve, sign_in, token_of};

const FAILURE: &str = "FAILURE";
const CLAIMED: &str = "CLAIMED";

fn refused(answer: &Answer, word: &str) -> bool {
    answer.0 == StatusCode::BAD_REQUEST && answer.1 == word
}

#[tokio::test]
async fn a_device_side_key_claims_once() {
    let world = World::start().await;
    let id = world.open_device("D1").await;
    assert_eq!(world.register("D1", "k", 30_000).await, StatusCode::OK);
    let (status, body) = world.claim_with(&world.customer_a, "D1", "k").await;
    assert_eq!((status, &body["response"]), (StatusCode::OK, &json!("SUCCESS")));
    assert_eq!(body["id"]["id"], id);
    assert_eq!(body["customerId"], body["device"]["customerId"]);
    assert_eq!(world.owner(&id).await, body["customerId"]["id"]);
    let path = format!("/api/device/{id}");
    let of_a = world.call(Method::GET, &path, Some(&world.customer_a), None).await;
    let of_b = world.call(Method::GET, &path, Some(&world.customer_b), None).await;
    assert_eq!((of_a.0, of_b.0), (StatusCode::OK, StatusCode::FORBIDDEN));
    assert!(refused(&world.claim_with(&world.customer_b, "D1", "k").await, CLAIMED));
    let again = world.claim_with(&world.customer_a, "D1", "k").await;
    assert_eq!((again.0, &again.1["response"]), (StatusCode::OK, &json!("SUCCESS")));
}

#[tokio::test]
async fn a_wrong_key_burns_nothing() {
    let world = World::start().await;
    world.open_device("D1").await;
    world.register("D1", "right", 30_000).await;
    assert!(refused(&world.claim_with(&world.customer_b, "D1", "wrong").await, FAILURE));
    assert_eq!(world.claim_with(&world.customer_a, "D1", "right").await.0, StatusCode::OK);
}

#[tokio::test]
async fn who_guesses_too_often_waits_and_nobody_else_does() {
    let world = World::start().await;
    world.open_device("D1").await;
    world.register("D1", "right", 30_000).await;
    for _ in 0..5 {
        assert!(refused(&world.claim_with(&world.customer_b, "D1", "wrong").await, FAILURE));
    }
    let (status, body) = world.claim_with(&world.customer_b, "D1", "right").await;
    assert_eq!((status, &body["errorCode"]), (StatusCode::TOO_MANY_REQUESTS, &json!(33)));
    assert_eq!(world.claim_with(&world.customer_a, "D1", "right").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_key_expires_and_the_log_tells_it() {
    let world = World::start().await;
    let id = world.open_device("D1").await;
    world.register("D1", "k", 100).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(refused(&world.claim_with(&world.customer_a, "D1", "k").await, FAILURE));
    let path = format!("/api/audit/devices/{id}/events");
    for _ in 0..100 {
        let (_, events) = world.call(Method::GET, &path, Some(&world.tenant), None).await;
        if events.as_array().unwrap().iter().any(|event| event["eventType"] == "ClaimExpired") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no ClaimExpired");
}

#[tokio::test]
async fn a_server_side_key_claims_in_both_forms() {
    let world = World::start().await;
    let data = json!({"secretKey": secret("k"), "expirationTime": later()});
    for (name, value) in [("text", json!(data.to_string())), ("object", data.clone())] {
        let id = world.device(name).await;
        let body = json!({"claimingData": value, "claimingAllowed": true});
        assert_eq!(world.write(&world.tenant, &id, body).await, StatusCode::OK);
        let shown = &world.attributes(&id).await["claimingData"];
        assert_eq!(shown.is_string(), name == "text");
        assert!(shown.to_string().contains("***"), "{shown}");
        assert_eq!(world.claim_with(&world.customer_a, name, "k").await.0, StatusCode::OK);
        let left = world.attributes(&id).await;
        assert!(!left.contains_key("claimingData") && !left.contains_key("claimingAllowed"), "{left:?}");
    }
}

#[tokio::test]
async fn a_server_side_key_of_the_past_does_not_claim() {
    let world = World::start().await;
    let id = world.device("D2").await;
    world.write(&world.tenant, &id, json!({"claimingData": {"secretKey": secret("k"), "expirationTime": 1_000}})).await;
    assert!(refused(&world.claim_with(&world.customer_a, "D2", "k").await, FAILURE));
    assert_eq!(world.attributes(&id).await["claimingData"]["expirationTime"], 1_000);
}

#[tokio::test]
async fn the_unknown_and_the_unentitled_are_refused() {
    let world = World::start().await;
    let (status, body) = world.claim_with(&world.customer_a, "nobody's", "k").await;
    assert_eq!((status, &body["errorCode"]), (StatusCode::NOT_FOUND, &json!(32)));
    world.open_device("D1").await;
    let (status, body) = world.claim_with(&world.tenant, "D1", "k").await;
    assert_eq!((status, &body["errorCode"]), (StatusCode::FORBIDDEN, &json!(20)));
    let (status, body) = world.call(Method::POST, "/api/customer/device/D1/claim", None, None).await;
    assert_eq!((status, &body["errorCode"]), (StatusCode::UNAUTHORIZED, &json!(10)));
}

/// Every outcome of a claim that no other test here is about (`docs/protocol.md`, claim).
#[tokio::test]
async fn what_a_claim_answers_depends_on_keys_and_owner() {
    let world = World::start().await;
    let (a, b) = (&world.customer_a, &world.customer_b);
    let server_side = |key: &str| json!({"claimingData": {"secretKey": secret(key), "expirationTime": later()}});

    let id = world.open_device("D1").await;
    assert!(refused(&world.claim_with(a, "D1", "k").await, FAILURE), "no key, no owner");
    world.register("D1", "k", 30_000).await;
    assert_eq!(world.claim_with(a, "D1", "k").await.0, StatusCode::OK);
    assert!(refused(&world.claim_with(b, "D1", "other").await, CLAIMED), "no key, an owner");
    assert!(refused(&world.claim_with(a, "D1", "other").await, CLAIMED), "no key, its own");
    assert_eq!(world.write(&world.tenant, &id, server_side("s")).await, StatusCode::OK);
    assert!(refused(&world.claim_with(b, "D1", "s").await, CLAIMED), "the right key, an owner");
    assert!(refused(&world.claim_with(a, "D1", "s").await, CLAIMED), "the right key, its own");
    assert!(refused(&world.claim_with(b, "D1", "other").await, FAILURE), "a wrong key, an owner");
    assert_eq!(world.owner(&id).await, world.owner_of(a).await);

    let id = world.device("D2").await;
    for rubbish in [
        json!("rubbish"),
        json!({"secretKey": secret("k")}),
        json!("{\"secretKey\":\"k-HUNTER2\",\"expirationTime\":\"x\"}"),
    ] {
        assert_eq!(world.write(&world.tenant, &id, json!({"claimingData": rubbish})).await, StatusCode::OK);
        for (customer, key) in [(a, "k"), (b, "rubbish")] {
            assert!(
                refused(&world.claim_with(customer, "D2", key).await, FAILURE),
                "undecodable claiming data: {rubbish}"
            );
        }
        assert_eq!(world.write(&world.tenant, &id, server_side("k")).await, StatusCode::OK);
        assert_eq!(world.claim_with(b, "D2", "k").await.0, StatusCode::OK);
        assert_eq!(world.reclaim(b, "D2").await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_empty_key_claims_without_a_body() {
    let world = World::start().await;
    for (name, body) in [("none", None), ("empty", Some(json!({}))), ("null", Some(Value::Null))] {
        world.open_device(name).await;
        let path = format!("/api/v1/{}/claim", token_of(name));
        assert_eq!(world.call(Method::POST, &path, None, None).await.0, StatusCode::OK);
        let path = format!("/api/customer/device/{name}/claim");
        let (status, answer) = world.call(Method::POST, &path, Some(&world.customer_a), body).await;
        assert_eq!(status, StatusCode::OK, "{name}: {answer}");
    }
}

#[tokio::test]
async fn a_reclaimed_device_is_claimed_by_the_next_with_a_new_key() {
    let world = World::start().await;
    let id = world.open_device("D1").await;
    world.register("D1", "old", 30_000).await;
    world.claim_with(&world.customer_a, "D1", "old").await;
    assert_eq!(world.reclaim(&world.customer_b, "D1").await.0, StatusCode::FORBIDDEN);
    let (status, body) = world.reclaim(&world.customer_a, "D1").await;
    assert_eq!((status, body), (StatusCode::OK, json!({"result": {}, "setOrExpired": true})));
    assert_eq!(world.attributes(&id).await["claimingAllowed"], true);
    assert!(refused(&world.claim_with(&world.customer_b, "D1", "old").await, FAILURE));
    assert_eq!(world.register("D1", "new", 30_000).await, StatusCode::OK);
    assert_eq!(world.claim_with(&world.customer_b, "D1", "new").await.0, StatusCode::OK);
    assert_eq!(world.reclaim(&world.tenant, "D1").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_device_is_told_when_its_key_is_refused() {
    let world = World::start().await;
    let id = world.device("D1").await;
    assert_eq!(world.register("D1", "k", 30_000).await, StatusCode::FORBIDDEN);
    world.write(&world.tenant, &id, json!({"claimingAllowed": true})).await;
    assert_eq!(world.register("D1", "k", 30_000).await, StatusCode::OK);
    assert_eq!(world.claim_with(&world.customer_a, "D1", "k").await.0, StatusCode::OK);
    assert!(!world.attributes(&id).await.contains_key("claimingAllowed"));
    assert_eq!(world.register("D1", "k2", 30_000).await, StatusCode::CONFLICT);
    let (_, unknown) = world.call(Method::POST, "/api/v1/nobody/claim", None, None).await;
    assert_eq!(unknown, Value::Null);
}

#[tokio::test]
async fn claiming_can_be_allowed_by_default() {
    let world = World::start_with(&[("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true")]).await;
    let id = world.device("D1").await;
    assert_eq!(world.register("D1", "k", 30_000).await, StatusCode::OK);
    assert_eq!(world.claim_with(&world.customer_a, "D1", "k").await.0, StatusCode::OK);
    world.reclaim(&world.customer_a, "D1").await;
    assert!(!world.attributes(&id).await.contains_key("claimingAllowed"));
}

#[tokio::test]
async fn the_newest_device_side_key_works() {
    let world = World::start().await;
    world.open_device("D1").await;
    world.register("D1", "first", 30_000).await;
    world.register("D1", "second", 30_000).await;
    assert!(refused(&world.claim_with(&world.customer_a, "D1", "first").await, FAILURE));
    assert_eq!(world.claim_with(&world.customer_a, "D1", "second").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_key_survives_a_crash() {
    let world = World::start().await;
    world.open_device("D1").await;
    world.register("D1", "k", 30_000).await;
    let world = world.restart();
    assert_eq!(world.claim_with(&world.customer_a, "D1", "k").await.0, StatusCode::OK);
}

#[tokio::test]
async fn of_fifty_customers_at_once_one_wins() {
    let world = World::start().await;
    let names = ["D1", "D2", "D3"];
    for name in names {
        world.open_device(name).await;
        world.register(name, "k", 60_000).await;
    }
    let (world, customers) = with_customers(world, 50).await;
    for name in names {
        let claims = customers.iter().map(|customer| world.claim_with(customer, name, "k"));
        let answers = futures_util::future::join_all(claims).await;
        let won = answers.iter().filter(|answer| answer.0 == StatusCode::OK).count();
        let lost = answers.iter().filter(|answer| refused(answer, CLAIMED)).count();
        assert_eq!((won, lost), (1, 49), "{answers:?}");
    }
}

/// Adds customers with a user each, as no endpoint makes them yet, and signs the users in.
async fn with_customers(world: World, count: u32) -> (World, Vec<String>) {
    let World { data, server, client, tenant, customer_a, customer_b } = world;
    let (status, printed) = server.stop();
    assert!(status.success(), "{printed}");
    let path = data.path().join("deed.db");
    let store = SqliteStore::open(SqliteOptions::new(path), Arc::new(SystemClock)).unwrap();
    let (like, credentials) = store.user_by_email("customer@thingsboard.org").await.unwrap().unwrap();
    let model = store.customer(like.customer_id.unwrap()).await.unwrap().unwrap();
    let email = |number| format!("customer-{number}@example.org");
    for number in 0..count {
        let id = CustomerId(Uuid::from_u128(u128::from(number) + 1));
        store.add_customer(Customer { id, title: email(number), ..model.clone() }).await.unwrap();
        let user = User { id: UserId(id.0), customer_id: Some(id), email: email(number), ..like.clone() };
        store.add_user(user, credentials.clone()).await.unwrap();
    }
    store.close().await;
    let server = serve(&data, &[]);
    let mut tokens = Vec::new();
    for number in 0..count {
        tokens.push(sign_in(&client, &server.url, &email(number), "customer").await);
    }
    (World { data, server, client, tenant, customer_a, customer_b }, tokens)
}

#[tokio::test]
async fn names_of_every_kind_are_claimed() {
    let world = World::start().await;
    for name in ["D 1/ü", "a%b", "a;b", "a\\b", "+?#&\"'[]:@|", "😀."] {
        world.open_device(name).await;
        world.register(name, "k", 30_000).await;
        assert_eq!(world.claim_with(&world.customer_a, name, "k").await.0, StatusCode::OK, "{name}");
        assert_eq!(world.reclaim(&world.customer_a, name).await.0, StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn an_owner_cannot_plant_a_key() {
    let world = World::start().await;
    let id = world.open_device("D1").await;
    world.register("D1", "k", 30_000).await;
    world.claim_with(&world.customer_a, "D1", "k").await;
    let planted = json!({"note": "x", "claimingData": {"secretKey": secret("mine"), "expirationTime": later()}});
    assert_eq!(world.write(&world.customer_a, &id, planted).await, StatusCode::FORBIDDEN);
    assert!(!world.attributes(&id).await.contains_key("note"));
    let of_tenant = json!({"claimingData": {"secretKey": secret("theirs"), "expirationTime": later()}});
    assert_eq!(world.write(&world.tenant, &id, of_tenant).await, StatusCode::OK);
    world.reclaim(&world.tenant, "D1").await;
    for key in ["mine", "theirs", "k"] {
        assert!(refused(&world.claim_with(&world.customer_a, "D1", key).await, FAILURE), "{key}");
    }
}

#[tokio::test]
async fn the_public_user_neither_claims_nor_reclaims() {
    let world = World::start().await;
    let shared = world.device("Public").await;
    let path = format!("/api/customer/public/device/{shared}");
    let (_, made) = world.call(Method::POST, &path, Some(&world.tenant), None).await;
    let body = json!({"publicId": made["customerId"]["id"]});
    let (_, pair) = world.call(Method::POST, "/api/auth/login/public", None, Some(body)).await;
    let public = pair["token"].as_str().unwrap();
    let is_forbidden = |(status, body): Answer| status == StatusCode::FORBIDDEN && body["errorCode"] == 20;

    let open = world.open_device("D1").await;
    assert_eq!(world.register("D1", "k", 30_000).await, StatusCode::OK);
    let nobody = world.owner(&open).await;
    assert!(is_forbidden(world.claim_with(public, "D1", "k").await));
    assert!(is_forbidden(world.reclaim(public, "D1").await));
    assert_eq!(world.owner(&open).await, nobody);
    assert_eq!(world.claim_with(&world.customer_a, "D1", "k").await.0, StatusCode::OK, "the key is still good");

    let of_a = world.owner(&open).await;
    assert_ne!(of_a, nobody);
    assert!(is_forbidden(world.reclaim(public, "D1").await));
    assert_eq!(world.owner(&open).await, of_a);
    assert!(is_forbidden(world.reclaim(public, "Public").await), "not even its own");
    assert_eq!(world.owner(&shared).await, made["customerId"]["id"]);
}

#[tokio::test]
async fn bad_bodies_are_refused_with_a_code() {
    let limit = ("HTTP_MAX_PAYLOAD_SIZE_LIMIT_CONFIGURATION", "/api/**=65536");
    let world = World::start_with(&[limit]).await;
    let id = world.open_device("D1").await;
    let deep = "[".repeat(9_000);
    let large = format!("{{\"secretKey\":\"{}\"}}", "x".repeat(70_000));
    let bodies: [&[u8]; 7] = [
        b"{",
        b"[]",
        b"\"x\"",
        b"{\"secretKey\":[],\"username\":[],\"refreshToken\":[],\"name\":[],\"claimingData\":[],\"email\":[]",
        b"{\"secretKey\":\"\xff\xfe\"}",
        b"nul",
        deep.as_bytes(),
    ];
    let routes = [
        ("/api/auth/login".to_owned(), None),
        ("/api/auth/token".to_owned(), None),
        ("/api/device".to_owned(), Some(&world.tenant)),
        ("/api/customer/device/D1/claim".to_owned(), Some(&world.customer_a)),
        (format!("/api/plugins/telemetry/DEVICE/{id}/SERVER_SCOPE"), Some(&world.tenant)),
        (format!("/api/devices/{id}/claim-keys"), Some(&world.tenant)),
        ("/api/audit/auditors".to_owned(), Some(&world.tenant)),
        (format!("/api/v1/{}/claim", token_of("D1")), None),
    ];
    let send = async |path: &str, user: Option<&String>, body: &[u8]| {
        let mut request = world.client.post(format!("{}{path}", world.server.url)).body(body.to_vec());
        request = request.header("Content-Type", "application/json");
        if let Some(user) = user {
            request = request.header("X-Authorization", format!("Bearer {user}"));
        }
        let answer = request.send().await.unwrap();
        (answer.status(), serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap())
    };
    for (path, user) in &routes {
        for (number, body) in bodies.into_iter().enumerate() {
            let (status, told) = send(path, *user, body).await;
            assert!(status.is_client_error(), "{path}, body {number}: {status}");
            // Too large a body is told by a bare text, as ThingsBoard's clients know it.
            let has_code = told["errorCode"].is_u64() || (status == StatusCode::PAYLOAD_TOO_LARGE && told.is_string());
            assert!(has_code, "{path}, body {number}: {told}");
        }
        let (status, _) = send(path, *user, large.as_bytes()).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}
