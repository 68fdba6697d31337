//! A running service with a caller of each kind, and the things that they ask about.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use regex::Regex;
use reqwest::{Client, Method, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::table::Row;
use crate::deed::{
    deed, run,
    world::{World, later, percent, secret, serve, sign_in, token_of},
};

/// The columns of the table.
pub(crate) const CALLERS: [&str; 10] = [
    "nobody",
    "expired",
    "operator",
    "administrator",
    "other-tenant",
    "owner",
    "stranger",
    "auditor",
    "public",
    "other-customer",
];

/// A password that the policy accepts.
pub(crate) const PASSWORD: &str = "a-good-password";

/// Those who belong to another tenant than the things that are asked about.
const FOREIGNERS: [&str; 2] = ["other-tenant", "other-customer"];

/// The callers, each with the token that it has.
pub(crate) struct Callers {
    pub(crate) world: World,
    /// Does not follow a `303`.
    client: Client,
    tokens: [Option<String>; 10],
    refresh_token: String,
    customer_a: String,
    customer_b: String,
    public_customer: String,
    tenant: String,
    other_tenant: String,
    count: AtomicUsize,
}

/// A request about things that nobody has asked about before.
pub(crate) struct Request {
    /// Path and query.
    pub(crate) path: String,
    pub(crate) body: Option<String>,
    /// The things, by their kinds.
    things: HashMap<String, String>,
}

impl Callers {
    /// All of them.
    pub(crate) async fn start() -> Self {
        let data = TempDir::new().unwrap();
        let expired = expired_token(&data).await;
        Self::start_on(data, &[], Some(expired)).await
    }

    /// On data that may have been served before, with whose token `expired` is.
    pub(crate) async fn start_on(data: TempDir, environment: &[(&str, &str)], expired: Option<String>) -> Self {
        let world = World::start_on(data, environment).await;
        let url = &world.server.url;
        let operator = sign_in(&world.client, url, "sysadmin@thingsboard.org", "sysadmin").await;
        let auditor = sign_in(&world.client, url, "auditor@thingsboard.org", "auditor").await;
        let (_, me) = world.call(Method::GET, "/api/auth/user", Some(&world.tenant), None).await;
        let other = made(&world, &operator, "/api/tenant", json!({"title": "Other tenant"})).await;
        let administrator = json!({"email": "other@example.com", "authority": "TENANT_ADMIN", "tenantId": other["id"]});
        let other_admin = activated(&world, &operator, administrator).await;
        let customer = made(&world, &other_admin, "/api/customer", json!({"title": "Other customer"})).await;
        let customer =
            json!({"email": "others@example.com", "authority": "CUSTOMER_USER", "customerId": customer["id"]});
        let other_customer = activated(&world, &other_admin, customer).await;
        let login = json!({"username": "tenant@thingsboard.org", "password": "tenant"});
        let (_, pair) = world.call(Method::POST, "/api/auth/login", None, Some(login)).await;
        let refresh_token = text(&pair["refreshToken"]);
        let device = made(&world, &world.tenant, "/api/device", json!({"name": "public"})).await;
        let path = format!("/api/customer/public/device/{}", device["id"]["id"].as_str().unwrap());
        let public = made(&world, &world.tenant, &path, Value::Null).await;
        let public_customer = text(&public["customerId"]["id"]);
        let publicly = json!({"publicId": public_customer});
        let (_, pair) = world.call(Method::POST, "/api/auth/login/public", None, Some(publicly)).await;
        let public = pair["token"].as_str().unwrap().to_owned();
        let tokens = [
            None,
            expired,
            Some(operator),
            Some(world.tenant.clone()),
            Some(other_admin),
            Some(world.customer_a.clone()),
            Some(world.customer_b.clone()),
            Some(auditor),
            Some(public),
            Some(other_customer),
        ];
        let customer_a = text(&world.owner_of(&world.customer_a).await);
        let customer_b = text(&world.owner_of(&world.customer_b).await);
        let (tenant, other_tenant) = (text(&me["tenantId"]["id"]), text(&other["id"]["id"]));
        Self {
            world,
            client: Client::builder().redirect(Policy::none()).build().unwrap(),
            tokens,
            refresh_token,
            customer_a,
            customer_b,
            public_customer,
            tenant,
            other_tenant,
            count: AtomicUsize::new(0),
        }
    }

    /// The request of that row.
    pub(crate) async fn request(&self, row: &Row) -> Request {
        let mut things = Things { callers: self, made: HashMap::new() };
        let path = things.filled(row.path).await;
        let body = match row.body {
            Some(body) => Some(things.filled(body).await),
            None => None,
        };
        Request { path, body, things: things.made }
    }

    /// The status that this caller gets, and what it is told that is none of its business: ids in the answer.
    pub(crate) async fn ask(&self, caller: &str, row: &Row) -> (StatusCode, Vec<String>) {
        let Request { path, body, things } = self.request(row).await;
        let method = Method::from_bytes(row.method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.world.server.url));
        if let Some(token) = self.token_of(caller) {
            request = request.header("X-Authorization", format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let told = answer.text().await.unwrap();
        // A refusal may repeat what it was asked about.
        let leaks = |id: &String| status.is_success() && told.contains(id.as_str());
        (status, self.none_of_its_business(caller, &things).into_iter().filter(leaks).collect())
    }

    /// Ids that this caller has to learn nowhere: of another tenant everything, of other customers themselves, their users
    /// and devices.
    fn none_of_its_business(&self, caller: &str, things: &HashMap<String, String>) -> Vec<String> {
        let made = |of_customers: bool| {
            let of_customer_a = ["device", "deviceId", "entityId", "user", "userId", "customerUser"];
            let kinds = things.iter().filter(move |(kind, _)| !of_customers || of_customer_a.contains(&kind.as_str()));
            kinds.map(|(_, thing)| thing).filter(|thing| Uuid::parse_str(thing).is_ok()).cloned()
        };
        let customers = [&self.customer_a, &self.customer_b, &self.public_customer].map(String::clone);
        match caller {
            caller if FOREIGNERS.contains(&caller) => {
                let own = |id: &String| *id == self.other_tenant;
                made(false).filter(|id| !own(id)).chain(customers).chain([self.tenant.clone()]).collect()
            }
            "stranger" | "public" => made(true).chain([self.customer_a.clone()]).collect(),
            "owner" => vec![self.customer_b.clone()],
            "administrator" | "auditor" => vec![self.other_tenant.clone()],
            _ => Vec::new(),
        }
    }

    /// The id with which anybody signs in as the public.
    pub(crate) fn public_customer(&self) -> &str {
        &self.public_customer
    }

    pub(crate) fn token_of(&self, caller: &str) -> Option<&str> {
        self.tokens[CALLERS.iter().position(|known| *known == caller).unwrap()].as_deref()
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
                let operator = self.callers.token_of("operator").unwrap();
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
            "refresh" => self.callers.refresh_token.clone(),
            "activation" => {
                let user = user_of(&self.callers.customer_a, number);
                activation(world, &world.tenant, user).await
            }
            "reset" => {
                let user = user_of(&self.callers.customer_a, number);
                let email = text(&user["email"]);
                activated(world, &world.tenant, user).await;
                let asked = json!({"email": email});
                world.call(Method::POST, "/api/noauth/resetPasswordByEmail", None, Some(asked)).await;
                reset_token(world, &email).await
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
pub(crate) async fn made(world: &World, token: &str, path: &str, body: Value) -> Value {
    let (status, answer) = world.call(Method::POST, path, Some(token), Some(body)).await;
    assert!(status.is_success(), "{status} from {path}: {answer}");
    answer
}

/// Makes a user, activates it and gives its token.
pub(crate) async fn activated(world: &World, by: &str, user: Value) -> String {
    let body = json!({"activateToken": activation(world, by, user).await, "password": PASSWORD});
    let (_, pair) = world.call(Method::POST, "/api/noauth/activate?sendActivationMail=false", None, Some(body)).await;
    text(&pair["token"])
}

/// Makes a user and gives the secret of its activation link.
async fn activation(world: &World, by: &str, user: Value) -> String {
    let user = made(world, by, "/api/user?sendActivationMail=false", user).await;
    let path = format!("{}/api/user/{}/activationLink", world.server.url, text(&user["id"]["id"]));
    let link = world.client.get(path).header("X-Authorization", format!("Bearer {by}")).send().await.unwrap();
    let link = link.text().await.unwrap();
    link.split_once("activateToken=").unwrap().1.to_owned()
}

/// The secret of the link for another password that the user is about to get.
async fn reset_token(world: &World, email: &str) -> String {
    for _ in 0..100 {
        let (status, printed, _) = run(deed(world.data.path()).args(["reset-link", email]));
        if status == 0 {
            return printed.trim().split_once("resetToken=").unwrap().1.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no link for another password");
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
