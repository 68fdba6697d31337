//! Requests to any of the nodes.

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::nodes::{Cluster, Directory};

/// A password that the policy accepts.
pub(crate) const PASSWORD: &str = "a-good-password";

/// What a request signs in with.
#[derive(Clone, Debug)]
pub(crate) enum By {
    Nobody,
    /// The access token of a login.
    Login(String),
    /// The value of an API key.
    Key(String),
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) by: By,
    pub(crate) body: Value,
}

impl Call {
    pub(crate) fn get(path: impl Into<String>, by: By) -> Self {
        Self { method: Method::GET, path: path.into(), by, body: Value::Null }
    }

    pub(crate) fn post(path: impl Into<String>, by: By, body: Value) -> Self {
        Self { method: Method::POST, path: path.into(), by, body }
    }

    pub(crate) fn delete(path: impl Into<String>, by: By) -> Self {
        Self { method: Method::DELETE, path: path.into(), by, body: Value::Null }
    }
}

/// Whoever asks the nodes.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) directory: Directory,
    pub(crate) client: Client,
    /// The administrator of the demo's tenant.
    pub(crate) tenant: By,
    /// Users of two customers.
    pub(crate) customers: [By; 2],
}

impl Asking {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        Self {
            directory: cluster.directory(),
            client: Client::new(),
            tenant: By::Login(cluster.people.tenant.clone()),
            customers: cluster.people.customers.clone().map(By::Login),
        }
    }

    /// What a node makes of it: the status, and the body, as text if it is no JSON.
    pub(crate) async fn ask(&self, node: usize, call: &Call) -> (StatusCode, Value) {
        let url = format!("{}{}", self.directory.of(node).url, call.path);
        let mut request = self.client.request(call.method.clone(), url);
        request = match &call.by {
            By::Nobody => request,
            By::Login(token) => request.header("X-Authorization", format!("Bearer {token}")),
            By::Key(value) => request.header("X-Authorization", format!("ApiKey {value}")),
        };
        if !call.body.is_null() {
            request = request.json(&call.body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(!status.is_server_error(), "{status} from {call:?}: {text}");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// The answer to what has to succeed.
    pub(crate) async fn done(&self, node: usize, call: Call) -> Value {
        let (status, answer) = self.ask(node, &call).await;
        assert!(status.is_success(), "{status} from {call:?}: {answer}");
        answer
    }

    /// The id of what is made so by the tenant.
    pub(crate) async fn made(&self, node: usize, path: &str, body: Value) -> String {
        let made = self.done(node, Call::post(path, self.tenant.clone(), body)).await;
        text(&made["id"]["id"])
    }

    /// A device with a token of the same text as its name; gives its id.
    pub(crate) async fn device(&self, node: usize, name: &str) -> String {
        self.made(node, &format!("/api/device?accessToken={name}"), json!({"name": name})).await
    }

    /// A user of a new customer: the ids of customer and user, and the e-mail.
    pub(crate) async fn user(&self, node: usize, name: &str) -> (String, String, String) {
        let customer = self.made(node, "/api/customer", json!({"title": name})).await;
        let (email, of) = (format!("{name}@example.com"), json!({"entityType": "CUSTOMER", "id": customer}));
        let user = json!({"email": email, "authority": "CUSTOMER_USER", "customerId": of});
        let id = self.activated(node, &self.tenant, user).await;
        (customer, id, email)
    }

    /// Makes a user with a password, and gives its id.
    pub(crate) async fn activated(&self, node: usize, by: &By, user: Value) -> String {
        let user = self.done(node, Call::post("/api/user?sendActivationMail=false", by.clone(), user)).await;
        let id = text(&user["id"]["id"]);
        let link = self.done(node + 1, Call::get(format!("/api/user/{id}/activationLink"), by.clone())).await;
        let token = text(&link).split_once("activateToken=").unwrap().1.to_owned();
        let body = json!({"activateToken": token, "password": PASSWORD});
        self.done(node + 2, Call::post("/api/noauth/activate?sendActivationMail=false", By::Nobody, body)).await;
        id
    }

    /// A pair of tokens.
    pub(crate) async fn login(&self, node: usize, email: &str, password: &str) -> Value {
        self.done(node, login(email, password)).await
    }
}

pub(crate) fn login(email: &str, password: &str) -> Call {
    Call::post("/api/auth/login", By::Nobody, json!({"username": email, "password": password}))
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
