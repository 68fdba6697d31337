//! What devices ask, and what they are answered.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    client::{CONTENT_FORMAT, Client, GET, MAX_AGE, NON, POST, URI_PATH, URI_QUERY},
    deed::world::{World, secret, token_of},
};

pub(crate) fn claim_of(name: &str) -> String {
    format!("api/v1/{}/claim", token_of(name))
}

pub(crate) fn key(name: &str) -> String {
    json!({"secretKey": secret(name), "durationMs": 60_000}).to_string()
}

#[tokio::test]
async fn an_answered_key_claims_the_device_also_after_a_crash() {
    let world = World::start().await;
    for name in ["C", "N"] {
        world.open_device(name).await;
    }
    let mut client = Client::new(&world.server).await;
    assert_eq!(client.post(&claim_of("C"), key("K")).await, "2.01");
    let unconfirmed = client.request(POST, &claim_of("N"), key("K"));
    let answer = client.ask(crate::client::Message { kind: NON, ..unconfirmed }).await;
    assert_eq!((answer.code(), answer.payload.len(), answer.options.len()), ("2.01".into(), 0, 0));
    let world = world.restart();
    for name in ["C", "N"] {
        let (status, body) = world.claim_with(&world.customer_a, name, "K").await;
        assert_eq!((status, body["response"].as_str()), (StatusCode::OK, Some("SUCCESS")), "{name}");
    }
    let id = &world.claim_with(&world.customer_a, "C", "K").await.1["id"]["id"];
    let path = format!("/api/audit/devices/{}/events", id.as_str().unwrap());
    let (_, events) = world.call(Method::GET, &path, Some(&world.tenant), None).await;
    let issued = events.as_array().unwrap().iter().find(|event| event["eventType"] == "ClaimIssued").unwrap();
    assert_eq!(issued["transport"], "coap", "{issued}");
}

#[tokio::test]
async fn a_refusal_is_told_and_a_fault_explained() {
    let world = World::start().await;
    world.device("closed").await;
    let owned = world.open_device("owned").await;
    assert_eq!(world.register("owned", "K", 60_000).await, StatusCode::OK);
    assert_eq!(world.claim_with(&world.customer_a, "owned", "K").await.0, StatusCode::OK);
    assert_ne!(world.owner(&owned).await, Value::Null);
    world.open_device("D").await;
    let mut client = Client::new(&world.server).await;
    for (name, payload, code, why) in [
        ("closed", key("K"), "4.03", "claiming is not allowed"),
        ("owned", key("K"), "4.09", "already claimed"),
        ("nobody", key("K"), "4.01", ""),
        ("nobody", "{".into(), "4.01", ""),
        ("D", "{".into(), "4.00", "not valid JSON"),
        ("D", "[]".into(), "4.00", "JSON object"),
        ("D", "null".into(), "4.00", "JSON object"),
        ("D", Value::from(key("K")).to_string(), "4.00", "JSON object"),
        ("D", r#"{"secretKey":null}"#.into(), "4.00", "secretKey"),
        ("D", r#"{"durationMs":true}"#.into(), "4.00", "durationMs"),
    ] {
        let request = client.request(POST, &claim_of(name), &payload);
        let answer = client.ask(request).await;
        assert_eq!(answer.code(), code, "{name} {payload}");
        assert!(answer.text().contains(why) && answer.option(CONTENT_FORMAT).is_none(), "{}", answer.text());
        assert!(answer.payload.len() <= 128 && !answer.text().contains("HUNTER"), "{}", answer.text());
    }
    assert_eq!(client.post(&claim_of("D"), "").await, "2.01", "nothing is the empty key");
    let world = world.restart_with(&[("SECURITY_CLAIM_LEGACY_ACK", "true")]);
    let mut client = Client::new(&world.server).await;
    for name in ["closed", "owned"] {
        assert_eq!(client.post(&claim_of(name), key("K")).await, "2.01");
    }
}

#[tokio::test]
async fn paths_and_methods_are_those_of_the_page() {
    let world = World::start().await;
    world.open_device("D").await;
    let mut client = Client::new(&world.server).await;
    let device = format!("api/v1/{}", token_of("D"));
    for (code, path, answer) in [
        (POST, format!("{device}/CLAIM"), "2.01"),
        (POST, format!("{device}/claim/more"), "4.04"),
        (POST, format!("{device}/claim/"), "4.04"),
        (POST, format!("{device}/nothing"), "4.00"),
        (POST, device.clone(), "4.00"),
        (POST, "api/v1/claim".into(), "4.01"),
        (POST, "nothing".into(), "4.04"),
        (POST, "api".into(), "4.05"),
        (GET, format!("{device}/telemetry"), "4.05"),
    ] {
        let request = client.request(code, &path, "");
        assert_eq!(client.ask(request).await.code(), answer, "{path}");
    }
    for method in 3..=7 {
        let request = client.request(method, &format!("{device}/claim"), "");
        assert_eq!(client.ask(request).await.code(), "4.05", "{method}");
    }
    let mut request = client.request(POST, "", key("K"));
    request.options = vec![(URI_PATH, format!("{device}/claim").into_bytes())];
    assert_eq!(client.ask(request).await.code(), "2.01", "all in one option");
    let (code, links) = client.get(".well-known/core").await;
    assert!(code == "2.05" && links.contains("</api/v1>") && links.len() < 64, "{links}");
}

#[tokio::test]
async fn a_device_can_ask_how_it_stands_with_it() {
    let world = World::start().await;
    world.open_device("D").await;
    let mut client = Client::new(&world.server).await;
    assert_eq!(client.get(&claim_of("D")).await, ("2.05".into(), r#"{"state":"none","expiresAt":null}"#.into()));
    assert_eq!(client.post(&claim_of("D"), key("K")).await, "2.01");
    let request = client.request(GET, &claim_of("D"), "");
    let answer = client.ask(request).await;
    let state: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert!(state["state"] == "open" && state["expiresAt"].is_i64(), "{state}");
    assert_eq!((answer.option(CONTENT_FORMAT), answer.option(MAX_AGE)), (Some(50), Some(0)));
    assert_eq!(client.get(&claim_of("nobody")).await.0, "4.01");
}

#[tokio::test]
async fn what_sdks_send_beside_claims_is_answered() {
    let world = World::start().await;
    let id = world.device("D").await;
    let mut client = Client::new(&world.server).await;
    let path = |feature: &str| format!("api/v1/{}/{feature}", token_of("D"));
    assert_eq!(client.post(&path("telemetry"), r#"{"t":1}"#).await, "2.01");
    assert_eq!(client.post(&path("telemetry"), "{").await, "4.00");
    assert_eq!(client.get(&path("attributes")).await.0, "4.04");
    assert_eq!(client.post(&path("attributes"), r#"{"a":1}"#).await, "2.01");
    assert_eq!(client.post(&path("attributes"), "[").await, "4.00");
    assert_eq!(client.get(&path("attributes")).await, ("2.05".into(), r#"{"client":{"a":1}}"#.into()));
    let shared = format!("/api/plugins/telemetry/DEVICE/{id}/SHARED_SCOPE");
    world.call(Method::POST, &shared, Some(&world.tenant), Some(json!({"s": 2, "t": 3}))).await;
    let mut get = |query: &[&str]| {
        let request = client.request(GET, &path("attributes"), "");
        query.iter().fold(request, |request, pair| request.with(URI_QUERY, pair))
    };
    let some = get(&["clientKeys=b,a", "sharedKeys=s"]);
    let none = get(&["clientKeys=none"]);
    assert_eq!(client.ask(some).await.text(), r#"{"client":{"a":1},"shared":{"s":2}}"#);
    assert_eq!(client.ask(none).await.code(), "4.04");
    let request = client.request(POST, &path("rpc"), r#"{"method":"getSessionLimits"}"#);
    let limits = client.ask(request).await;
    let told: Value = serde_json::from_slice(&limits.payload).unwrap();
    assert_eq!((limits.code().as_str(), &told["maxPayloadSize"]), ("2.05", &json!(65_536)));
    assert_eq!(client.post(&path("rpc"), "{}").await, "4.00");
}

#[tokio::test]
async fn a_device_adds_itself() {
    let world = World::start().await;
    let profile = json!({"name": "P", "provisionType": "ALLOW_CREATE_NEW_DEVICES", "provisionDeviceKey": "fleet",
        "profileData": {"provisionConfiguration": {"type": "ALLOW_CREATE_NEW_DEVICES", "provisionDeviceSecret": "S"}}});
    let (status, body) = world.call(Method::POST, "/api/deviceProfile", Some(&world.tenant), Some(profile)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let mut client = Client::new(&world.server).await;
    let wish =
        |secret: &str| json!({"provisionDeviceKey": "fleet", "provisionDeviceSecret": secret, "deviceName": "New"});
    let request = client.request(POST, "api/v1/provision", wish("S").to_string());
    let added = client.ask(request.clone()).await;
    let reply: Value = serde_json::from_slice(&added.payload).unwrap();
    assert_eq!(
        (added.code().as_str(), added.option(CONTENT_FORMAT), &reply["status"]),
        ("2.01", Some(0), &json!("SUCCESS"))
    );
    assert_eq!(client.ask(request).await, added, "the same message again");
    for (payload, status) in [(wish("S"), "FAILURE"), (wish("x"), "NOT_FOUND")] {
        let request = client.request(POST, "api/v1/provision", payload.to_string());
        let answer = client.ask(request).await;
        let reply: Value = serde_json::from_slice(&answer.payload).unwrap();
        assert_eq!((answer.code().as_str(), &reply["status"]), ("4.00", &json!(status)));
    }
    for payload in ["", "{}", "[", r#"{"provisionDeviceKey":"fleet"}"#] {
        let request = client.request(POST, "api/v1/provision", payload);
        let answer = client.ask(request).await;
        assert_eq!((answer.code().as_str(), answer.payload.len()), ("4.00", 0), "{payload}");
    }
    let token = reply["credentialsValue"].as_str().unwrap();
    assert_eq!(client.post(&format!("api/v1/{token}/telemetry"), "{}").await, "2.01");
}

#[tokio::test]
async fn who_sends_too_much_is_told_when_to_send_again() {
    let world = World::start_on(TempDir::new().unwrap(), &[("TB_TRANSPORT_RATE_LIMITS_DEVICE", "2:600")]).await;
    for name in ["D", "E"] {
        world.open_device(name).await;
    }
    let mut client = Client::new(&world.server).await;
    for _ in 0..2 {
        assert_eq!(client.post(&claim_of("D"), key("K")).await, "2.01");
    }
    let request = client.request(POST, &claim_of("D"), key("K"));
    let told = client.ask(request).await;
    assert_eq!(told.code(), "4.29");
    assert!(told.option(MAX_AGE).is_some_and(|seconds| (1..=300).contains(&seconds)), "{told:?}");
    assert_eq!(client.post(&claim_of("E"), key("K")).await, "2.01", "others are not concerned");
}

#[tokio::test]
async fn it_is_counted_and_shows_no_token() {
    let world = World::start().await;
    world.open_device("Counted").await;
    let mut client = Client::new(&world.server).await;
    assert_eq!(client.post(&claim_of("Counted"), key("K")).await, "2.01");
    assert_eq!(client.post(&claim_of("nobody"), key("K")).await, "4.01");
    client.send(b"nothing that CoAP knows").await;
    client.send(b"\x80\x02\0\x51").await;
    assert_eq!(client.get(".well-known/core").await.0, "2.05");
    let metrics = world.client.get(format!("{}/metrics", world.server.url)).send().await.unwrap().text().await.unwrap();
    for line in [
        r#"deed_registrations_total{transport="coap",outcome="registered"} 1"#,
        r#"deed_registrations_total{transport="coap",outcome="unknown_token"} 1"#,
        r#"deed_coap_requests_total{code="2.01"} 1"#,
        r#"deed_coap_requests_total{code="4.01"} 1"#,
        r#"deed_coap_ignored_total{why="no_coap"} 2"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
    assert!(!metrics.contains(&token_of("Counted")));
    let (status, printed) = world.server.stop();
    assert!(status.success() && !printed.contains(&token_of("Counted")), "{printed}");
}

#[tokio::test]
async fn it_can_be_switched_off() {
    for switch in ["COAP_ENABLED", "COAP_SERVER_ENABLED"] {
        let world = World::start_with(&[(switch, "false")]).await;
        assert!(world.server.coap.is_empty(), "{}", world.server.greeting);
    }
}
