//! A running service with a caller of each kind, and the things that they ask about.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use regex::Regex;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::deed::world::{World, later, percent, secret, serve, sign_in, token_of};

/// The columns of the table.
pub(crate) const CALLERS: [&str; 9] =
    ["nobody", "expired", "operator", "administrator", "other-tenant", "owner", "stranger", "auditor", "public"];

/// A password that the policy accepts.
const PASSWORD: &str = "a-good-password";

/// The callers, each with the token that it has.
pub(crate) struct Callers {
    world: World,
    tokens: [Option<String>; 9],
    customer_a: String,
    customer_b: String,
    public_customer: String,
    tenant: String,
    other_tenant: String,
    count: AtomicUsize,
}

impl Callers {
    pub(crate) async fn start() -> Self {
        let data = TempDir::new().unwrap();
        let expired = expired_token(&data).await;
        let world = World::start_on(data, &[]).await;
        let url = &world.server.url;
        let operator = sign_in(&world.client, url, "sysadmin@thingsboard.org", "sysadmin").await;
        let auditor = sign_in(&world.client, url, "auditor@thingsboard.org", "auditor").await;
        let (_, me) = world.call(Method::GET, "/api/auth/user", Some(&world.tenant), None).await;
        let other = made(&world, &operator, "/api/tenant", json!({"title": "Other tenant"})).await;
        let administrator = json!({"email": "other@example.com", "authority": "TENANT_ADMIN", "tenantId": other["id"]});
        let other_admin = activated(&world, &operator, administrator).await;
        let device = made(&world, &world.tenant, "/api/device", json!({"name": "public"})).await;
        let path = format!("/api/customer/public/device/{}", device["id"]["id"].as_str().unwrap());
        let public = made(&world, &world.tenant, &path, Value::Null).await;
        let public_customer = text(&public["customerId"]["id"]);
        let publicly = json!({"publicId": public_customer});
        let (_, pair) = world.call(Method::POST, "/api/auth/login/public", None, Some(publicly)).await;
        let public = pair["token"].as_str().unwrap().to_owned();
        let tokens = [
            None,
            Some(expired),
            Some(operator),
            Some(world.tenant.clone()),
            Some(other_admin),
            Some(world.customer_a.clone()),
            Some(world.customer_b.clone()),
            Some(auditor),
            Some(public),
        ];
        let customer_a = text(&world.owner_of(&world.customer_a).await);
        let customer_b = text(&world.owner_of(&world.customer_b).await);
        let (tenant, other_tenant) = (text(&me["tenantId"]["id"]), text(&other["id"]["id"]));
        Self {
            world,
            tokens,
            customer_a,
            customer_b,
            public_customer,
            tenant,
            other_tenant,
            count: AtomicUsize::new(0),
        }
    }

    /// The status that this caller gets, for things that nobody has asked about before.
    pub(crate) async fn ask(&self, caller: &str, method: &str, path: &str, body: Option<&str>) -> StatusCode {
        let token = self.tokens[CALLERS.iter().position(|known| *known == caller).unwrap()].as_deref();
        let mut things = Things { callers: self, made: HashMap::new() };
        let path = things.filled(path).await;
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.world.client.request(method, format!("{}{path}", self.world.server.url));
        if let Some(token) = token {
            request = request.header("X-Authorization", format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(things.filled(body).await);
        }
        request.send().await.unwrap().status()
    }

    fn token_of(&self, caller: &str) -> &str {
        self.tokens[CALLERS.iter().position(|known| *known == caller).unwrap()].as_deref().unwrap()
    }

    async fn made(&self, path: &str, body: Value) -> Value {
        made(&self.world, &self.world.tenant, path, body).await
    }
}

/// What one request is about, made for it.
struct Things<'a> {
    callers: &'a Callers,
    made: HashMap<String, String>,
}

impl Things<'_> {
    /// The text with an id or a name in each place: `{deviceId}` in a path, or `{entityId=customer}` where the parameter can
    /// be of several kinds, and `<device>` in a query or a body.
    async fn filled(&mut self, text: &str) -> String {
        let place = Regex::new(r"\{\w+=(\w+)\}|\{(\w+)\}|<(\w+)>").unwrap();
        let mut filled = String::new();
        let mut rest = text;
        while let Some(found) = place.captures(rest) {
            let whole = found.get(0).unwrap();
            let kind = found.iter().skip(1).flatten().next().unwrap().as_str();
            filled.push_str(&rest[..whole.start()]);
            filled.push_str(&self.of(kind).await);
            rest = &rest[whole.end()..];
        }
        filled + rest
    }

    /// The thing of that kind; a second mention in the same request is the same thing.
    async fn of(&mut self, kind: &str) -> String {
        if let Some(made) = self.made.get(kind) {
            return made.clone();
        }
        let number = self.callers.count.fetch_add(1, Ordering::Relaxed);
        let world = &self.callers.world;
        let made = match kind {
            "unique" => format!("U-{number}"),
            "email" => format!("user-{number}@example.com"),
            "entityType" => "DEVICE".to_owned(),
            "customerType" => "CUSTOMER".to_owned(),
            "userType" => "USER".to_owned(),
            "tenantType" => "TENANT".to_owned(),
            "scope" => "SHARED_SCOPE".to_owned(),
            "serverScope" => "SERVER_SCOPE".to_owned(),
            "tenantId" | "tenant" => self.callers.tenant.clone(),
            "otherTenant" => self.callers.other_tenant.clone(),
            "customerA" | "customerId" => self.callers.customer_a.clone(),
            "customerB" => self.callers.customer_b.clone(),
            "doomed" => {
                let operator = self.callers.token_of("operator");
                let tenant = made(world, operator, "/api/tenant", json!({"title": format!("T-{number}")})).await;
                text(&tenant["id"]["id"])
            }
            "customerUser" => {
                text(&world.call(Method::GET, "/api/auth/user", Some(&world.customer_a), None).await.1["id"]["id"])
            }
            "apiKeyId" => text(&self.callers.made("/api/apiKey", json!({"description": "d"})).await["id"]["id"]),
            "enabled" => "false".to_owned(),
            "later" => later().to_string(),
            "customer" => {
                let customer = self.callers.made("/api/customer", json!({"title": format!("C-{number}")})).await;
                text(&customer["id"]["id"])
            }
            "deviceId" | "entityId" | "device" => {
                let owner = json!({"entityType": "CUSTOMER", "id": self.callers.customer_a});
                let name = format!("D-{number}");
                let path = format!("/api/device?accessToken={}", token_of(&name));
                let device = self.callers.made(&path, json!({"name": name, "customerId": owner})).await;
                self.made.insert("deviceName".to_owned(), percent(&name));
                self.made.insert("name".to_owned(), name);
                text(&device["id"]["id"])
            }
            "deviceName" | "name" => {
                Box::pin(self.of("device")).await;
                return self.made[kind].clone();
            }
            // A device that nobody owns and that a key claims.
            "free" | "freeName" => {
                let name = format!("F-{number}");
                let id = world.open_device(&name).await;
                assert_eq!(world.register(&name, "key", 600_000).await, StatusCode::OK);
                self.made.insert("free".to_owned(), id);
                self.made.insert("freeName".to_owned(), percent(&name));
                return self.made[kind].clone();
            }
            "secret" => secret("key"),
            // What devices have in their paths: one of customer A, one that nobody owns, one that there is not.
            "token" => {
                Box::pin(self.of("device")).await;
                token_of(&self.made["name"])
            }
            "freeToken" => {
                let name = format!("T-{number}");
                world.open_device(&name).await;
                token_of(&name)
            }
            "unknownToken" => format!("unknown-{number}"),
            "requestId" => "1".to_owned(),
            "credentials" => {
                let device = Box::pin(self.of("device")).await;
                let path = format!("/api/device/{device}/credentials");
                text(&world.call(Method::GET, &path, Some(&world.tenant), None).await.1["id"]["id"])
            }
            "deviceProfileId" | "profile" => {
                let profile = self.callers.made("/api/deviceProfile", json!({"name": format!("P-{number}")})).await;
                text(&profile["id"]["id"])
            }
            "publicCustomer" => self.callers.public_customer.clone(),
            "publicDevice" => {
                let device = self.callers.made("/api/device", json!({"name": format!("G-{number}")})).await;
                let device = text(&device["id"]["id"]);
                self.callers.made(&format!("/api/customer/public/device/{device}"), Value::Null).await;
                device
            }
            "keyId" => {
                let device = Box::pin(self.of("free")).await;
                text(&self.callers.made(&format!("/api/devices/{device}/claim-keys"), json!({})).await["keyId"])
            }
            "waiting" => {
                let user = user_of(&self.callers.customer_a, number);
                text(&self.callers.made("/api/user?sendActivationMail=false", user).await["email"])
            }
            "userId" | "user" => {
                let user = user_of(&self.callers.customer_a, number);
                text(&self.callers.made("/api/user?sendActivationMail=false", user).await["id"]["id"])
            }
            other => panic!("nothing of the kind {other}"),
        };
        self.made.insert(kind.to_owned(), made.clone());
        made
    }
}

fn user_of(customer: &str, number: usize) -> Value {
    let customer = json!({"entityType": "CUSTOMER", "id": customer});
    json!({"email": format!("made-{number}@example.com"), "authority": "CUSTOMER_USER", "customerId": customer})
}

/// The token of an administrator whose time is over.
async fn expired_token(data: &TempDir) -> String {
    let server = serve(data, &[("JWT_TOKEN_EXPIRATION_TIME", "1")]);
    let token = sign_in(&Client::new(), &server.url, "tenant@thingsboard.org", "tenant").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    token
}

/// What the service makes of a request that must succeed.
async fn made(world: &World, token: &str, path: &str, body: Value) -> Value {
    let (status, answer) = world.call(Method::POST, path, Some(token), Some(body)).await;
    assert!(status.is_success(), "{status} from {path}: {answer}");
    answer
}

/// Makes a user, activates it and gives its token.
async fn activated(world: &World, by: &str, user: Value) -> String {
    let user = made(world, by, "/api/user?sendActivationMail=false", user).await;
    let path = format!("{}/api/user/{}/activationLink", world.server.url, text(&user["id"]["id"]));
    let link = world.client.get(path).header("X-Authorization", format!("Bearer {by}")).send().await.unwrap();
    let link = link.text().await.unwrap();
    let (_, token) = link.split_once("activateToken=").unwrap();
    let body = json!({"activateToken": token, "password": PASSWORD});
    let (_, pair) = world.call(Method::POST, "/api/noauth/activate?sendActivationMail=false", None, Some(body)).await;
    text(&pair["token"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
