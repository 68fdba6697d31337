//! A running demo and its people, as tests over real HTTP use them.

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{MARK, Server, deed};

/// A running demo with its people signed in.
pub(crate) struct World {
    pub(crate) data: TempDir,
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) tenant: String,
    pub(crate) customer_a: String,
    pub(crate) customer_b: String,
}

/// A status and the body, null if it is no JSON.
pub(crate) type Answer = (StatusCode, Value);

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(environment: &[(&str, &str)]) -> Self {
        Self::start_on(TempDir::new().unwrap(), environment).await
    }

    /// On data that may have been served before.
    pub(crate) async fn start_on(data: TempDir, environment: &[(&str, &str)]) -> Self {
        let server = serve(&data, environment);
        let client = Client::new();
        let tenant = sign_in(&client, &server.url, "tenant@thingsboard.org", "tenant").await;
        let customer_a = sign_in(&client, &server.url, "customer@thingsboard.org", "customer").await;
        let customer_b = sign_in(&client, &server.url, "customerB@thingsboard.org", "customer").await;
        Self { data, server, client, tenant, customer_a, customer_b }
    }

    /// Kills the server and starts it again on the same data.
    pub(crate) fn restart(self) -> Self {
        self.restart_with(&[])
    }

    /// The same with that environment.
    pub(crate) fn restart_with(self, environment: &[(&str, &str)]) -> Self {
        let Self { data, server, client, tenant, customer_a, customer_b } = self;
        drop(server);
        let server = serve(&data, environment);
        Self { data, server, client, tenant, customer_a, customer_b }
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.server.url));
        if let Some(token) = token {
            request = request.header("X-Authorization", format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        assert!(status.as_u16() < 500, "{status} from {path}");
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// A new device with a token of the same text as its name; gives its id.
    pub(crate) async fn device(&self, name: &str) -> String {
        let path = format!("/api/device?accessToken={}", token_of(name));
        let (status, device) = self.call(Method::POST, &path, Some(&self.tenant), Some(json!({"name": name}))).await;
        assert_eq!(status, StatusCode::OK, "{device}");
        device["id"]["id"].as_str().unwrap().to_owned()
    }

    /// A new device that may register keys.
    pub(crate) async fn open_device(&self, name: &str) -> String {
        let id = self.device(name).await;
        assert_eq!(self.write(&self.tenant, &id, json!({"claimingAllowed": true})).await, StatusCode::OK);
        id
    }

    pub(crate) async fn register(&self, name: &str, key: &str, duration_ms: i64) -> StatusCode {
        let path = format!("/api/v1/{}/claim", token_of(name));
        self.call(Method::POST, &path, None, Some(json!({"secretKey": secret(key), "durationMs": duration_ms}))).await.0
    }

    pub(crate) async fn claim(&self, customer: &str, name: &str, body: Value) -> Answer {
        let path = format!("/api/customer/device/{}/claim", percent(name));
        self.call(Method::POST, &path, Some(customer), Some(body)).await
    }

    pub(crate) async fn claim_with(&self, customer: &str, name: &str, key: &str) -> Answer {
        self.claim(customer, name, json!({"secretKey": secret(key)})).await
    }

    pub(crate) async fn reclaim(&self, user: &str, name: &str) -> Answer {
        let path = format!("/api/customer/device/{}/claim", percent(name));
        self.call(Method::DELETE, &path, Some(user), None).await
    }

    pub(crate) async fn write(&self, user: &str, id: &str, attributes: Value) -> StatusCode {
        let path = format!("/api/plugins/telemetry/DEVICE/{id}/SERVER_SCOPE");
        self.call(Method::POST, &path, Some(user), Some(attributes)).await.0
    }

    /// The device's server attributes by key.
    pub(crate) async fn attributes(&self, id: &str) -> serde_json::Map<String, Value> {
        let path = format!("/api/plugins/telemetry/DEVICE/{id}/values/attributes/SERVER_SCOPE");
        let (_, found) = self.call(Method::GET, &path, Some(&self.tenant), None).await;
        let pair = |item: &Value| (item["key"].as_str().unwrap().to_owned(), item["value"].clone());
        found.as_array().unwrap().iter().map(pair).collect()
    }

    /// The customer that the user belongs to.
    pub(crate) async fn owner_of(&self, user: &str) -> Value {
        self.call(Method::GET, "/api/auth/user", Some(user), None).await.1["customerId"]["id"].clone()
    }

    pub(crate) async fn owner(&self, id: &str) -> Value {
        let (_, device) = self.call(Method::GET, &format!("/api/device/{id}"), Some(&self.tenant), None).await;
        device["customerId"]["id"].clone()
    }
}

pub(crate) fn serve(data: &TempDir, environment: &[(&str, &str)]) -> Server {
    let mut command = deed(data.path());
    command.args(["serve", "--demo"]).envs(environment.iter().copied());
    Server::start(&mut command)
}

pub(crate) async fn sign_in(client: &Client, url: &str, email: &str, password: &str) -> String {
    let body = json!({"username": email, "password": password});
    let answer = client.post(format!("{url}/api/auth/login")).json(&body).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
}

/// The key of that name. Every key of the suite has the same mark, by which it would be found where it must not be.
pub(crate) fn secret(name: &str) -> String {
    format!("{name}-{MARK}")
}

pub(crate) fn token_of(name: &str) -> String {
    name.bytes().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn percent(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

pub(crate) fn later() -> i64 {
    1_000_000 * 1_893_456
}
