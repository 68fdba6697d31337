//! No secret that passes through the service leaves it by a side door.
//!
//! Keys, device tokens, passwords and signed tokens are used in every way in which they can be right or wrong; then
//! everything that the service printed, measured, recorded and exported is searched for each of them.

use std::sync::Mutex;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::deed::{Server, deed, run};

/// The secrets of this test, none of which is a word of anything else.
const DEVICE_KEY: &str = "devicekey-Vq7Zt";
const FAILED_KEY: &str = "wrongkey-Xr4Lm";
const ATTRIBUTE_KEY: &str = "attributekey-Bn8Ws";
const GARBLED_KEY: &str = "garbledkey-Jd2Kf";
const NATIVE_KEY: &str = "nativekey-Hc6Py";
const DEVICE_TOKEN: &str = "devicetoken-Mk3Gx";
const UNKNOWN_TOKEN: &str = "unknowntoken-Tz9Rb";
const NEW_PASSWORD: &str = "newpassword-Lw5Nd";
const WRONG_PASSWORD: &str = "wrongpassword-Qe1Vh";

/// The first millisecond of the year 2100.
const KEYS_EXPIRE_AT: i64 = 4_102_444_800_000;

/// A service in which every secret is used, and the secrets that it gave out itself.
struct Session {
    http: Client,
    url: String,
    given_out: Vec<String>,
    /// The bodies of all refusals.
    errors: Mutex<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_log_metric_event_or_export() {
    let data = TempDir::new().unwrap();
    let mut command = deed(data.path());
    command
        .args(["serve", "--demo"])
        .env("DEED_LOG_LEVEL", "trace")
        .env("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true");
    let server = Server::start(&mut command);
    let mut session =
        Session { http: Client::new(), url: server.url.clone(), given_out: Vec::new(), errors: Mutex::default() };

    let tenant = session.sign_in("tenant@thingsboard.org", "tenant").await;
    let customer = session.sign_in("customer@thingsboard.org", "customer").await;
    session.fail_to_sign_in().await;
    let id = session.use_every_key(&tenant, &customer).await;
    session.use_tokens_of_devices().await;
    session.add_an_auditor(&tenant).await;

    let metrics = session.read("/metrics", None).await;
    let events = session.read("/api/audit/events?limit=1000", Some(&tenant)).await;
    let history = session.read(&format!("/api/audit/devices/{id}/claim-history"), Some(&tenant)).await;
    let attributes =
        session.read(&format!("/api/plugins/telemetry/DEVICE/{id}/values/attributes"), Some(&tenant)).await;
    assert!(events.contains("DeviceClaimed"), "{events}");

    let (status, printed) = server.stop();
    assert!(status.success(), "{printed}");
    assert!(printed.contains("the claimingData that was written cannot be read"), "{printed}");
    let (status, exported, _) = run(deed(data.path()).arg("export"));
    assert_eq!(status, 0);
    assert!(exported.contains("DeviceClaimed"), "{exported}");

    let places = [
        ("the output", printed),
        ("the errors", session.errors.into_inner().unwrap()),
        ("the metrics", metrics),
        ("the audited events", events),
        ("the claim history", history),
        ("the attributes", attributes),
        ("the export", exported),
    ];
    let fixed = [
        DEVICE_KEY,
        FAILED_KEY,
        ATTRIBUTE_KEY,
        GARBLED_KEY,
        NATIVE_KEY,
        DEVICE_TOKEN,
        UNKNOWN_TOKEN,
        NEW_PASSWORD,
        WRONG_PASSWORD,
    ];
    for (place, text) in &places {
        for secret in fixed.into_iter().chain(session.given_out.iter().map(String::as_str)) {
            assert!(!text.contains(secret), "{secret} is in {place}");
        }
    }
}

impl Session {
    async fn send(&self, method: Method, path: &str, user: Option<&str>, body: String) -> (StatusCode, String) {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).body(body);
        request = request.header("Content-Type", "application/json");
        if let Some(user) = user {
            request = request.bearer_auth(user);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        if !status.is_success() {
            self.errors.lock().unwrap().push_str(&text);
        }
        (status, text)
    }

    async fn post(&self, path: &str, user: Option<&str>, body: Value) -> (StatusCode, String) {
        self.send(Method::POST, path, user, body.to_string()).await
    }

    async fn read(&self, path: &str, user: Option<&str>) -> String {
        let (status, text) = self.send(Method::GET, path, user, String::new()).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    /// Signs in, keeps both tokens in mind, and gives the access token.
    async fn sign_in(&mut self, email: &str, password: &str) -> String {
        let (status, pair) = self.post("/api/auth/login", None, json!({"username": email, "password": password})).await;
        assert_eq!(status, StatusCode::OK, "{pair}");
        let pair: Value = serde_json::from_str(&pair).unwrap();
        let [access, refresh] = ["token", "refreshToken"].map(|member| pair[member].as_str().unwrap().to_owned());
        self.given_out.extend([access.clone(), refresh]);
        access
    }

    async fn fail_to_sign_in(&self) {
        let wrong = json!({"username": "tenant@thingsboard.org", "password": WRONG_PASSWORD});
        assert_eq!(self.post("/api/auth/login", None, wrong).await.0, StatusCode::UNAUTHORIZED);
        let garbled = format!("{{\"username\": 1, \"password\": \"{WRONG_PASSWORD}\"");
        assert!(self.send(Method::POST, "/api/auth/login", None, garbled).await.0.is_client_error());
    }

    /// Gives the id of the device that was claimed in the end.
    async fn use_every_key(&mut self, tenant: &str, customer: &str) -> String {
        let path = format!("/api/device?accessToken={DEVICE_TOKEN}");
        let (status, device) = self.post(&path, Some(tenant), json!({"name": "secretive"})).await;
        assert_eq!(status, StatusCode::OK, "{device}");
        let device: Value = serde_json::from_str(&device).unwrap();
        let id = device["id"]["id"].as_str().unwrap().to_owned();

        let attributes = format!("/api/plugins/telemetry/DEVICE/{id}/SERVER_SCOPE");
        for data in
            [json!(format!("{{{GARBLED_KEY}")), json!({"secretKey": ATTRIBUTE_KEY, "expirationTime": KEYS_EXPIRE_AT})]
        {
            let (status, answer) = self.post(&attributes, Some(tenant), json!({"claimingData": data})).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
        }
        let keys = format!("/api/devices/{id}/claim-keys");
        let own = json!({"secretKey": NATIVE_KEY, "durationMs": 600_000});
        assert_eq!(self.post(&keys, Some(tenant), own).await.0, StatusCode::CREATED);
        let (status, made) = self.post(&keys, Some(tenant), json!({"durationMs": 600_000})).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let made: Value = serde_json::from_str(&made).unwrap();
        self.given_out.push(made["secretKey"].as_str().unwrap().to_owned());

        let open = json!({"secretKey": DEVICE_KEY, "durationMs": 600_000});
        let registration = format!("/api/v1/{DEVICE_TOKEN}/claim");
        assert_eq!(self.post(&registration, None, open.clone()).await.0, StatusCode::OK);
        let claim = "/api/customer/device/secretive/claim";
        let wrong = self.post(claim, Some(customer), json!({"secretKey": FAILED_KEY})).await;
        assert_eq!(wrong, (StatusCode::BAD_REQUEST, "\"FAILURE\"".to_owned()));
        let garbled = format!("{{\"secretKey\": \"{FAILED_KEY}\"");
        assert_eq!(self.send(Method::POST, claim, Some(customer), garbled).await.0, StatusCode::BAD_REQUEST);
        assert_eq!(self.post(claim, Some(customer), json!({"secretKey": DEVICE_KEY})).await.0, StatusCode::OK);
        assert_eq!(self.post(&registration, None, open).await.0, StatusCode::CONFLICT);
        id
    }

    async fn use_tokens_of_devices(&self) {
        let unknown = format!("/api/v1/{UNKNOWN_TOKEN}/claim");
        assert_eq!(self.post(&unknown, None, json!({})).await.0, StatusCode::UNAUTHORIZED);
        let nowhere = format!("/api/v1/{DEVICE_TOKEN}/nothing-here");
        assert_eq!(self.send(Method::GET, &nowhere, None, String::new()).await.0, StatusCode::NOT_FOUND);
    }

    async fn add_an_auditor(&mut self, tenant: &str) {
        let auditor = json!({"email": "new@example.org", "password": NEW_PASSWORD, "firstName": "N", "lastName": "W"});
        let (status, answer) = self.post("/api/audit/auditors", Some(tenant), auditor).await;
        assert!(status.is_success(), "{status}: {answer}");
        self.sign_in("new@example.org", NEW_PASSWORD).await;
    }
}
