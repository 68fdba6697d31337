//! The device API over HTTP, by the real binary (`docs/protocol.md`, device API).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "these tests start and stop, and read nothing that is printed")]
mod deed;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use self::deed::{Server, deed};

/// Claiming is allowed for the first, not for the second.
const ALLOWED: &str = "A1_DEMO_TOKEN";
const NOT_ALLOWED: &str = "A5_DEMO_TOKEN";

struct Demo {
    server: Server,
    client: Client,
    _directory: TempDir,
}

impl Demo {
    fn start(environment: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let mut command = deed(&directory.path().join("demo"));
        let server = Server::start(command.args(["serve", "--demo"]).envs(environment.iter().copied()));
        Self { server, client: Client::new(), _directory: directory }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.server.url))
    }

    async fn register(&self, token: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
        let answer = self.request(Method::POST, &format!("/api/v1/{token}/claim")).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn state(&self, query: &str) -> (String, Option<i64>) {
        let answer = self.request(Method::GET, &format!("/api/v1/{ALLOWED}/claim{query}")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        (answer["state"].as_str().unwrap().to_owned(), answer["expiresAt"].as_i64())
    }

    async fn customer(&self, method: Method, body: &'static str) -> u16 {
        let login = json!({ "username": "customer@thingsboard.org", "password": "customer" });
        let answer = self.request(Method::POST, "/api/auth/login").json(&login).send().await.unwrap();
        let token = answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
        let request = self.request(method, "/api/customer/device/Demo-1/claim").bearer_auth(token).body(body);
        request.send().await.unwrap().status().as_u16()
    }
}

fn error(answer: &(u16, String)) -> (u16, i64) {
    let body: Value = serde_json::from_str(&answer.1).unwrap();
    assert_eq!(body["status"], answer.0);
    (answer.0, body["errorCode"].as_i64().unwrap())
}

fn has_no_body(answer: &Response) -> bool {
    answer.headers().get("content-type").is_none() && answer.content_length() == Some(0)
}

#[tokio::test]
async fn a_registration_is_told_how_it_went() {
    let demo = Demo::start(&[]);
    let path = format!("/api/v1/{ALLOWED}/claim");
    for (content_type, body) in [
        ("application/json", r#"{"secretKey":"K-HUNTER2","durationMs":60000}"#),
        ("application/x-www-form-urlencoded", r#"{"secretKey":"K-HUNTER2"}"#),
        ("application/json", r#""{\"secretKey\":\"K-HUNTER2\"}""#),
        ("text/plain", "{}"),
        ("nonsense", ""),
    ] {
        let request = demo.request(Method::POST, &path).header("Content-Type", content_type).body(body);
        let answer = request.send().await.unwrap();
        assert!(answer.status() == 200 && has_no_body(&answer), "{content_type} {body}: {answer:?}");
    }
    let not_allowed = demo.register(NOT_ALLOWED, "{}").await;
    assert_eq!(error(&not_allowed), (403, 20));
    assert_eq!(demo.customer(Method::POST, "").await, 200);
    assert_eq!(error(&demo.register(ALLOWED, "{}").await), (409, 31));
}

#[tokio::test]
async fn a_registration_that_is_sent_again_is_one() {
    let demo = Demo::start(&[]);
    let path = format!("/api/v1/{ALLOWED}/claim");
    let send = async |key: &str, body: &'static str| {
        let request = demo.request(Method::POST, &path).header("Idempotency-Key", key).body(body);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(send("one", r#"{"secretKey":"K-HUNTER2","durationMs":60000}"#).await, 200);
    let first = demo.state("").await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(send("one", r#"{"secretKey":"K-HUNTER2","durationMs":60000}"#).await, 200);
    assert_eq!(demo.state("").await, first, "its time was not restarted");
    assert_eq!(send("two", r#"{"secretKey":"K-HUNTER2","durationMs":60000}"#).await, 200);
    assert_ne!(demo.state("").await, first);
    assert_eq!(send("two words", "{}").await, 400);
}

#[tokio::test]
async fn a_bad_payload_is_the_devices_fault_and_is_not_repeated() {
    let demo = Demo::start(&[]);
    let deep = "[".repeat(60_000);
    for body in [
        "[]",
        "null",
        "1",
        " ",
        "{",
        r#"{"secretKey":null}"#,
        r#"{"secretKey":["HUNTER2"]}"#,
        r#"{"secretKey":"HUNTER2""#,
        r#"{"secretKey":"HUNTER2","durationMs":"abc"}"#,
        r#"{"durationMs":true}"#,
        "{'secretKey':'HUNTER2'}",
        &deep,
    ] {
        let answer = demo.register(ALLOWED, body.to_owned()).await;
        assert_eq!(error(&answer), (400, 31), "{body}");
        assert!(!answer.1.contains("HUNTER2"), "{}", answer.1);
    }
    assert_eq!(error(&demo.register(ALLOWED, b"{\"secretKey\":\"\xff\"}".to_vec()).await), (400, 31));
    assert_eq!(demo.state("").await, ("none".into(), None));

    let largest = format!(r#"{{"secretKey":"K-HUNTER2","x":"{}"}}"#, "x".repeat(65_536 - 32));
    assert_eq!(largest.len(), 65_536);
    assert_eq!(demo.register(ALLOWED, largest.clone()).await.0, 200);
    let too_large = demo.register(ALLOWED, format!("{largest} ")).await;
    assert_eq!(too_large, (413, r#""Payload size exceeds the limit of 65536 bytes""#.into()));
}

#[test]
fn too_large_a_body_is_refused_before_it_comes_and_the_answer_reaches_who_still_sends_it() {
    let demo = Demo::start(&[]);
    let login = "/api/auth/login".to_owned();
    for path in [format!("/api/v1/{ALLOWED}/claim"), format!("/api/v1/{ALLOWED}/rpc"), login] {
        for sent in [0, 20_000_000] {
            let mut stream = TcpStream::connect(demo.server.url.trim_start_matches("http://")).unwrap();
            // Less than the service waits for a body.
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            write!(stream, "POST {path} HTTP/1.1\r\nHost: deed\r\nContent-Length: 20000000\r\n\r\n").unwrap();
            stream.write_all(&vec![b' '; sent]).unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(str::from_utf8(&answer).unwrap(), "HTTP/1.1 413", "{path}, {sent} bytes sent");
        }
    }
}

#[tokio::test]
async fn an_unknown_token_wins_over_everything_else() {
    let demo = Demo::start(&[]);
    for (token, body) in [("NO_SUCH_TOKEN", "{}".to_owned()), ("x", "[".into())] {
        let path = format!("/api/v1/{token}/claim");
        let request = demo.request(Method::POST, &path).bearer_auth("x").body(body);
        let answer = request.send().await.unwrap();
        assert!(answer.status() == 401 && has_no_body(&answer), "{token}: {answer:?}");
    }
    assert_eq!(demo.register("%41%31_DEMO_TOKEN", "{}").await, (200, String::new()), "a token in a path is decoded");
    for (method, path, status) in [
        (Method::PUT, format!("/api/v1/{ALLOWED}/claim"), 405),
        (Method::POST, format!("/api/v1/{ALLOWED}/CLAIM"), 404),
        (Method::POST, format!("/api/v1/{ALLOWED}/claim/"), 404),
        (Method::POST, "/api/v1//claim".into(), 400),
        (Method::POST, "/api/v1/%FF/claim".into(), 400),
    ] {
        let answer = demo.request(method, &path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
}

#[tokio::test]
async fn old_firmware_can_be_told_success_whatever_happens() {
    let demo = Demo::start(&[("SECURITY_CLAIM_LEGACY_ACK", "true")]);
    assert_eq!(demo.register(NOT_ALLOWED, "{}").await, (200, String::new()));
    assert_eq!(error(&demo.register(NOT_ALLOWED, "[]").await), (400, 31));
    assert_eq!(demo.register("NO_SUCH_TOKEN", "{}").await.0, 401);
}

#[tokio::test]
async fn the_device_api_can_be_switched_off() {
    let demo = Demo::start(&[("HTTP_ENABLED", "false")]);
    assert_eq!(error(&demo.register(ALLOWED, "{}").await).1, 32);
}

#[tokio::test]
async fn a_device_can_ask_how_it_stands_with_it() {
    let demo = Demo::start(&[]);
    assert_eq!(demo.state("").await, ("none".into(), None));
    demo.register(ALLOWED, r#"{"secretKey":"K-HUNTER2","durationMs":60000}"#).await;
    let (state, expires_at) = demo.state("?timeout=0").await;
    assert!(state == "open" && expires_at.is_some());
    demo.register(ALLOWED, r#"{"secretKey":"K-HUNTER2","durationMs":1}"#).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(demo.state("").await.0, "expired");
    demo.register(ALLOWED, r#"{"secretKey":"K-HUNTER2"}"#).await;
    assert_eq!(demo.customer(Method::POST, r#"{"secretKey":"K-HUNTER2"}"#).await, 200);
    assert_eq!(demo.state("").await, ("claimed".into(), None));
    assert_eq!(demo.customer(Method::DELETE, "").await, 200);
    assert_eq!(demo.state("").await, ("reclaimed".into(), None));

    let answer = demo.request(Method::GET, "/api/v1/NO_SUCH_TOKEN/claim").send().await.unwrap();
    assert!(answer.status() == 401 && has_no_body(&answer));
    for timeout in ["soon", "-1", "1.5"] {
        let path = format!("/api/v1/{ALLOWED}/claim?timeout={timeout}");
        assert_eq!(demo.request(Method::GET, &path).send().await.unwrap().status(), 400, "{timeout}");
    }
}

/// The paths of the device API in the document, each with its methods as `Allow` has them.
fn documented() -> BTreeMap<String, String> {
    let document: Value = serde_json::from_str(include_str!("../docs/openapi.json")).unwrap();
    let paths = document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/api/v1/"));
    let methods = |item: &Value| item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect::<Vec<_>>();
    paths.map(|(path, item)| (path.clone(), methods(item).join(","))).collect()
}

#[test]
fn every_path_is_in_the_document() {
    let router = include_str!("../transports/src/http/mod.rs");
    let served = router.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    assert_eq!(served.collect::<BTreeSet<_>>(), documented().into_keys().collect());
}

#[tokio::test]
async fn a_path_knows_the_methods_of_the_document_and_head_is_none_of_them() {
    let demo = Demo::start(&[]);
    for (path, allowed) in documented() {
        for token in [ALLOWED, "NO_SUCH_TOKEN"] {
            let path = path.replace("{token}", token);
            for method in [Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH] {
                let answer = demo.request(method.clone(), &path).send().await.unwrap();
                let told = (answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap());
                assert_eq!(told, (405, allowed.as_str()), "{path}");
                let told = answer.text().await.unwrap();
                if method == Method::HEAD {
                    assert_eq!(told, "", "{path}");
                } else {
                    assert_eq!(error(&(405, told.clone())), (405, 31), "{path}");
                    assert!(told.contains(&format!("Request method '{method}' is not supported")), "{told}");
                }
            }
        }
    }
    for (path, allowed) in documented() {
        let path = path.replace("{token}", ALLOWED);
        let plain = demo.request(Method::OPTIONS, &path);
        let preflight = demo.request(Method::OPTIONS, &path).header("Origin", "https://shop.example");
        for request in [plain, preflight.header("Access-Control-Request-Method", "POST")] {
            let answer = request.send().await.unwrap();
            let told = (answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap());
            assert_eq!(told, (200, allowed.as_str()), "{path}");
        }
    }
    // Where HEAD is a method, it is named.
    let rest = demo.request(Method::OPTIONS, "/api/auth/user").send().await.unwrap();
    assert_eq!(rest.headers()["allow"], "GET,HEAD");
    let request = demo.request(Method::PUT, &format!("/api/v1/{ALLOWED}/claim"));
    let problem: Value =
        request.header("Accept", "application/problem+json").send().await.unwrap().json().await.unwrap();
    assert_eq!(problem["code"], "method_not_allowed");
}

#[tokio::test]
async fn a_device_can_wait_until_it_stands_otherwise() {
    let demo = Demo::start(&[]);
    demo.register(ALLOWED, r#"{"secretKey":"K-HUNTER2","durationMs":60000}"#).await;
    let start = Instant::now();
    assert_eq!(demo.state("?timeout=300").await.0, "open");
    assert!(start.elapsed() >= Duration::from_millis(300));

    let claimed = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        demo.customer(Method::POST, r#"{"secretKey":"K-HUNTER2"}"#).await
    };
    let start = Instant::now();
    let (state, status) = tokio::join!(demo.state("?timeout=60000"), claimed);
    assert_eq!((state, status), (("claimed".into(), None), 200));
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn registrations_are_counted_by_their_outcome_and_without_tokens() {
    let demo = Demo::start(&[]);
    demo.register(ALLOWED, "{}").await;
    demo.register(NOT_ALLOWED, "{}").await;
    demo.register(ALLOWED, "[]").await;
    demo.register(ALLOWED, "x".repeat(65_537)).await;
    demo.register("NO_SUCH_TOKEN", "{}").await;
    let metrics = demo.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    for outcome in ["registered", "claiming_not_allowed", "malformed", "too_large", "unknown_token"] {
        let line = format!("deed_registrations_total{{transport=\"http\",outcome=\"{outcome}\"}} 1");
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("_TOKEN"), "{metrics}");
}

/// The status, the JSON of the body, and whether there is neither a body nor a type of one.
async fn asked(demo: &Demo, method: Method, path: &str, body: &'static str) -> (u16, Value, bool) {
    let request = demo.request(method, &format!("/api/v1/{path}"));
    let request = if body.is_empty() { request } else { request.body(body) };
    let answer = request.send().await.unwrap();
    let (status, empty) = (answer.status().as_u16(), has_no_body(&answer));
    (status, answer.json().await.unwrap_or(Value::Null), empty)
}

#[tokio::test]
async fn telemetry_is_acknowledged_and_requests_are_answered_at_once() {
    let demo = Demo::start(&[]);
    let post =
        async |path: &str, body: &'static str| asked(&demo, Method::POST, &format!("{ALLOWED}{path}"), body).await;
    for body in ["{}", r#"{"t":1}"#, r#"[{"ts":1,"values":{"t":1}}]"#, r#""{\"t\":1}""#] {
        let (status, _, empty) = post("/telemetry", body).await;
        assert!(status == 200 && empty, "{body}");
    }
    for body in ["", "{", "1", "[1]", "null"] {
        let (status, answer, _) = post("/telemetry", body).await;
        assert_eq!((status, &answer["errorCode"]), (400, &json!(31)), "{body}: {answer}");
    }
    assert_eq!(post("/rpc/7", "{}").await.0, 200);
    let (status, limits, _) = post("/rpc", r#"{"method":"getSessionLimits","params":{}}"#).await;
    assert_eq!((status, &limits["maxInflightMessages"]), (200, &json!(100)));
    let (status, answer, _) = post("/rpc", r#"{"method":"other","params":{}}"#).await;
    assert_eq!((status, answer), (200, json!({"error": "unsupported"})));
    assert_eq!(post("/rpc", "{}").await.0, 400);

    for (method, path, body) in [
        (Method::POST, "telemetry", "{"),
        (Method::POST, "attributes", "{"),
        (Method::GET, "attributes", ""),
        (Method::GET, "attributes/updates?timeout=x", ""),
        (Method::GET, "rpc?timeout=1", ""),
        (Method::POST, "rpc", ""),
        (Method::POST, "rpc/1", ""),
    ] {
        let (status, _, empty) = asked(&demo, method, &format!("no-such-token/{path}"), body).await;
        assert!(status == 401 && empty, "{path}");
    }
    for (method, path, status) in [
        (Method::GET, "/telemetry", 405),
        (Method::DELETE, "/attributes", 405),
        (Method::POST, "/attributes/updates", 405),
        (Method::GET, "/rpc/1", 405),
        (Method::POST, "/telemetry/", 404),
        (Method::POST, "/TELEMETRY", 404),
        (Method::POST, "//telemetry", 400),
    ] {
        let (found, answer, _) = asked(&demo, method, &format!("{ALLOWED}{path}"), "").await;
        assert_eq!((found, answer["status"].as_u64()), (status, Some(u64::from(status))), "{path}");
    }
}

#[tokio::test]
async fn a_device_publishes_its_attributes_and_sees_those_that_are_shared() {
    let demo = Demo::start(&[]);
    let token = {
        let login = json!({ "username": "tenant@thingsboard.org", "password": "tenant" });
        let answer = demo.request(Method::POST, "/api/auth/login").json(&login).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
    };
    let as_admin = async |method: Method, path: &str, body: Value| {
        let request = demo.request(method, path).bearer_auth(&token).json(&body);
        request.send().await.unwrap().json::<Value>().await.unwrap_or(Value::Null)
    };
    let device = as_admin(Method::GET, "/api/tenant/devices?deviceName=Demo-1", Value::Null).await;
    let base = format!("/api/plugins/telemetry/DEVICE/{}", device["id"]["id"].as_str().unwrap());
    let read = async |query: &str| {
        let (status, found, _) = asked(&demo, Method::GET, &format!("{ALLOWED}/attributes{query}"), "").await;
        assert_eq!(status, 200);
        found
    };
    as_admin(Method::POST, &format!("{base}/SHARED_SCOPE"), json!({"shared1": "s"})).await;
    as_admin(Method::POST, &format!("{base}/SERVER_SCOPE"), json!({"server1": "x"})).await;
    let publish = async |body| asked(&demo, Method::POST, &format!("{ALLOWED}/attributes"), body).await;
    for body in [r#"{"client1":"c","claimingAllowed":true}"#, "{}", r#""{\"number\":\"7\"}""#] {
        let (status, _, empty) = publish(body).await;
        assert!(status == 200 && empty, "{body}");
    }
    for body in ["", "[]", "{", r#"{"a":null}"#, r#"{" ":1}"#] {
        let (status, answer, _) = publish(body).await;
        assert_eq!((status, &answer["errorCode"]), (400, &json!(31)), "{body}: {answer}");
    }
    let client = json!({"client1": "c", "claimingAllowed": true, "number": 7});
    assert_eq!(read("").await, json!({"client": client, "shared": {"shared1": "s"}}));
    let found = read("?clientKeys=client1,none&sharedKeys=shared1,server1").await;
    assert_eq!(found, json!({"client": {"client1": "c"}, "shared": {"shared1": "s"}}));
    for query in ["?clientKeys=none", "?clientKeys=claimingData&sharedKeys=claimingData,claimingAllowed"] {
        assert_eq!(read(query).await, json!({}), "{query}");
    }
    let (_, seen) = {
        let path = format!("{base}/values/attributes/CLIENT_SCOPE?keys=client1");
        ((), as_admin(Method::GET, &path, Value::Null).await)
    };
    assert_eq!(seen[0]["value"], "c");

    let wait = async |query: &str| asked(&demo, Method::GET, &format!("{ALLOWED}/attributes/updates{query}"), "").await;
    let write = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        as_admin(Method::POST, &format!("{base}/SHARED_SCOPE"), json!({"shared2": 2})).await;
        as_admin(Method::DELETE, &format!("{base}/SHARED_SCOPE?keys=shared1"), Value::Null).await
    };
    let began = Instant::now();
    let ((status, changed, _), _) = tokio::join!(wait("?timeout=20000"), write);
    assert_eq!((status, &changed["shared2"]), (200, &json!(2)), "{changed}");
    assert!(began.elapsed() < Duration::from_secs(5), "it was told, and did not look by itself");
}

#[tokio::test]
async fn who_waits_in_vain_is_told_so_and_limits_hold() {
    let demo = Demo::start(&[
        ("HTTP_REQUEST_TIMEOUT", "300"),
        ("HTTP_TRANSPORT_MAX_PAYLOAD_SIZE_LIMIT_CONFIGURATION", "/api/v1/*/rpc/**=20;/api/v1/**=40"),
    ]);
    for path in ["rpc?timeout=50", "attributes/updates?timeout=50", "rpc", "attributes/updates?timeout=99999999"] {
        let before = Instant::now();
        let (status, _, empty) = asked(&demo, Method::GET, &format!("{ALLOWED}/{path}"), "").await;
        assert!(status == 408 && empty, "{path}");
        assert!(before.elapsed() < Duration::from_secs(5), "{path}");
    }
    for path in ["rpc?timeout=x", "attributes/updates?timeout=-1"] {
        assert_eq!(asked(&demo, Method::GET, &format!("{ALLOWED}/{path}"), "").await.0, 400, "{path}");
    }
    let long = r#"{"method":"0123456789"}"#;
    for (path, status) in [("telemetry", 200), ("attributes", 200), ("rpc", 413), ("rpc/1", 413)] {
        assert_eq!(asked(&demo, Method::POST, &format!("{ALLOWED}/{path}"), long).await.0, status, "{path}");
    }
    let longer = r#"{"method":"0123456789012345678901234567890"}"#;
    let (status, text, _) = asked(&demo, Method::POST, &format!("{ALLOWED}/telemetry"), longer).await;
    assert_eq!((status, text), (413, json!("Payload size exceeds the limit of 40 bytes")));
}

/// A device that adds itself, from the profile to its first key.
#[tokio::test]
async fn a_device_adds_itself() {
    let demo = Demo::start(&[]);
    let login = json!({"username": "tenant@thingsboard.org", "password": "tenant"});
    let answer = demo.request(Method::POST, "/api/auth/login").json(&login).send().await.unwrap();
    let tenant = answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
    let profile = json!({
        "name": "sensor", "provisionType": "ALLOW_CREATE_NEW_DEVICES", "provisionDeviceKey": "fleet",
        "profileData": {"provisionConfiguration": {
            "type": "ALLOW_CREATE_NEW_DEVICES", "provisionDeviceSecret": "fleet-secret"
        }}
    });
    let saved = demo.request(Method::POST, "/api/deviceProfile").bearer_auth(&tenant).json(&profile).send().await;
    assert_eq!(saved.unwrap().status(), 200);
    let provision = async |body: &str| {
        let request =
            demo.request(Method::POST, "/api/v1/provision").header("Content-Type", "application/x-www-form-urlencoded");
        let answer = request.body(body.to_owned()).send().await.unwrap();
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        (answer.status().as_u16(), kind.unwrap_or_default(), answer.text().await.unwrap())
    };
    let request = r#"{"deviceName":"S-1","provisionDeviceKey":"fleet","provisionDeviceSecret":"fleet-secret"}"#;
    let (status, kind, text) = provision(request).await;
    assert_eq!((status, kind.as_str()), (200, "text/plain;charset=UTF-8"));
    let reply: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&reply["status"], &reply["credentialsType"]), (&json!("SUCCESS"), &json!("ACCESS_TOKEN")));
    let token = reply["credentialsValue"].as_str().unwrap();
    assert_eq!(demo.register(token, "{}").await.0, 403, "the device is there, and has no claimingAllowed");
    let exists = (200, kind.clone(), r#"{"errorMsg":"Failed to provision device!","status":"FAILURE"}"#.to_owned());
    assert_eq!(provision(request).await, exists);
    let unknown = (200, kind, r#"{"errorMsg":"Provision data was not found!","status":"NOT_FOUND"}"#.to_owned());
    assert_eq!(provision(&request.replace("fleet-secret", "guess")).await, unknown);
    for body in ["", "{", "[]", r#"{"provisionDeviceSecret":"fleet-secret"}"#] {
        let (status, _, text) = provision(body).await;
        assert_eq!(error(&(status, text.clone())), (400, 31), "{body}");
        assert!(!text.contains("fleet-secret"), "{text}");
    }
    let (status, ..) = provision(&" ".repeat(65_537)).await;
    assert_eq!(status, 413);
    let answer = demo.request(Method::GET, "/api/v1/provision").send().await.unwrap();
    assert_eq!(answer.status(), 405);
}
