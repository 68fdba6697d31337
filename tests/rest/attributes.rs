//! Attributes of every entity, scope and type.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::deed::world::{Answer, World, later, secret};

const UNKNOWN: &str = "784f394c-42b6-11f0-983c-b7beff2784f9";
const ROOT: &str = "/api/plugins/telemetry";

/// The attributes of one entity, as one user sees them.
struct Of<'a> {
    world: &'a World,
    user: &'a str,
    path: String,
}

impl<'a> Of<'a> {
    fn new(world: &'a World, user: &'a str, entity_type: &str, id: &str) -> Self {
        Self { world, user, path: format!("{ROOT}/{entity_type}/{id}") }
    }

    async fn call(&self, method: Method, rest: &str, body: Option<Value>) -> Answer {
        self.world.call(method, &format!("{}/{rest}", self.path), Some(self.user), body).await
    }

    async fn save(&self, scope: &str, body: Value) -> StatusCode {
        self.call(Method::POST, scope, Some(body)).await.0
    }

    /// A save of a body as it is; gives the status and the message.
    async fn save_text(&self, scope: &str, body: impl Into<String>) -> (u16, Value) {
        let url = format!("{}{}/{scope}", self.world.server.url, self.path);
        let request = self.world.client.post(url).header("X-Authorization", format!("Bearer {}", self.user));
        let answer = request.header("Content-Type", "text/plain").body(body.into()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.map_or(Value::Null, |body| body["message"].clone()))
    }

    /// Keys and values of a read.
    async fn values(&self, rest: &str) -> Value {
        let (status, found) = self.call(Method::GET, &format!("values/attributes{rest}"), None).await;
        assert_eq!(status, StatusCode::OK, "{found}");
        let pair = |item: &Value| (item["key"].as_str().unwrap().to_owned(), item["value"].clone());
        Value::from_iter(found.as_array().unwrap().iter().map(pair))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_saved_read_and_deleted_in_every_form() {
    let world = World::start().await;
    let id = world.device("D").await;
    let device = Of::new(&world, &world.tenant, "DEVICE", &id);
    assert_eq!(device.values("/SERVER_SCOPE").await, json!({}));
    let text = r#"{"bool":true,"long":5,"double":1.5,"whole":2.0,"text":"x","number text":"7","decimal text":"7.5",
        "true text":"true","empty text":"","object":{"a":1,"b":[true]},"array":[1,"x"],"big":9223372036854775807,
        "huge":9223372036854775808,"ü":"ü","markup":"<b>x</b>"}"#;
    assert_eq!(device.save_text("SERVER_SCOPE", text).await.0, 200);
    assert_eq!(
        device.values("/SERVER_SCOPE").await,
        json!({
            "bool": true, "long": 5, "double": 1.5, "whole": 2.0, "text": "x", "number text": 7, "decimal text": 7.5,
            "true text": "true", "empty text": "", "object": {"a": 1, "b": [true]}, "array": [1, "x"],
            "big": 9_223_372_036_854_775_807_i64, "huge": "9223372036854775808", "ü": "ü", "markup": "<b>x</b>"
        })
    );
    assert_eq!(device.save("attributes/SHARED_SCOPE", json!({"shared": 1})).await, StatusCode::OK);
    let short = format!("{ROOT}/{id}/SERVER_SCOPE");
    let (status, _) = world.call(Method::POST, &short, Some(&world.tenant), Some(json!({"short": 1}))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(device.save("SERVER_SCOPE", json!({"short": "now text"})).await, StatusCode::OK);
    assert_eq!(device.values("/SERVER_SCOPE?keys=short,unknown").await, json!({"short": "now text"}));
    assert_eq!(device.values("/SERVER_SCOPE?key=short&key=long").await, json!({"short": "now text", "long": 5}));
    assert_eq!(device.values("?keys=shared").await, json!({"shared": 1}));
    let keys = device.call(Method::GET, "keys/attributes/SHARED_SCOPE", None).await.1;
    assert_eq!(keys, json!(["shared"]));
    assert_eq!(device.call(Method::GET, "keys/attributes/CLIENT_SCOPE", None).await.1, json!([]));
    let all = device.call(Method::GET, "keys/attributes", None).await.1;
    assert_eq!(all.as_array().unwrap().len(), 17, "{all}");

    for path in
        ["SERVER_SCOPE?keys=short,unknown", "SERVER_SCOPE?keys=short", "SERVER_SCOPE?key=long", "CLIENT_SCOPE?keys=x"]
    {
        assert_eq!(device.call(Method::DELETE, path, None).await.0, StatusCode::OK, "{path}");
    }
    let (status, _) = world.call(Method::DELETE, &format!("{short}?keys=big"), Some(&world.tenant), None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(device.values("/SERVER_SCOPE?keys=short,long,big").await, json!({}));
    for path in ["SERVER_SCOPE", "SERVER_SCOPE?keys="] {
        let (status, body) = device.call(Method::DELETE, path, None).await;
        assert_eq!((status, &body["message"]), (StatusCode::BAD_REQUEST, &json!("Empty keys: []")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_has_its_message() {
    let world = World::start().await;
    let id = world.device("D").await;
    let device = Of::new(&world, &world.tenant, "DEVICE", &id);
    let long = |length: usize| json!({"x".repeat(length): 1}).to_string();
    for (body, message) in [
        ("{rubbish".to_owned(), "Invalid JSON"),
        ("[1]".to_owned(), "Request is not a JSON object"),
        ("\"x\"".to_owned(), "Request is not a JSON object"),
        ("1".to_owned(), "Request is not a JSON object"),
        ("null".to_owned(), "Request is not a JSON object"),
        ("{}".to_owned(), "No attributes data found in request body!"),
        (String::new(), "Required request body is missing"),
        (r#"{"  ":1}"#.to_owned(), "Key cannot be blank"),
        (r#"{"":1}"#.to_owned(), "Key cannot be blank"),
        (long(256), "Validation error: key length must be equal or less than 255"),
        (r#"{"<b>x</b>":1}"#.to_owned(), "Validation error: key is malformed"),
        (r#"{"a":null}"#.to_owned(), "The value of an attribute cannot be null"),
    ] {
        assert_eq!(device.save_text("SERVER_SCOPE", body).await, (400, json!(message)));
    }
    assert_eq!(device.save_text("SERVER_SCOPE", long(255)).await.0, 200);
    assert_eq!(device.save_text("SERVER_SCOPE", r#""{\"a\":1}""#).await.0, 200, "one text around it is unwrapped");
    assert_eq!(device.save_text("CLIENT_SCOPE", r#"{"a":1}"#).await, (400, json!("Invalid scope: CLIENT_SCOPE")));
    for scope in ["NO_SCOPE", "server_scope"] {
        assert_eq!(device.save_text(scope, r#"{"a":1}"#).await.0, 400, "{scope}");
    }
    for (entity_type, id, status) in
        [("NOTHING", id.as_str(), 400), ("device", &id, 400), ("DEVICE", "rubbish", 400), ("ASSET", UNKNOWN, 404)]
    {
        let of = Of::new(&world, &world.tenant, entity_type, id);
        assert_eq!(of.save_text("SERVER_SCOPE", r#"{"a":1}"#).await.0, status, "{entity_type} {id}");
    }
    let unknown = Of::new(&world, &world.tenant, "DEVICE", UNKNOWN);
    let (status, message) = unknown.save_text("SERVER_SCOPE", r#"{"a":1}"#).await;
    assert_eq!((status, message), (404, json!("Device with requested id wasn't found!")));
    assert_eq!(unknown.call(Method::GET, "values/attributes", None).await.0, StatusCode::NOT_FOUND);
    for of in [&device, &unknown] {
        let (status, refused) = of.call(Method::DELETE, "SERVER_SCOPE", None).await;
        assert_eq!((status, &refused["message"]), (StatusCode::BAD_REQUEST, &json!("Empty keys: []")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_tenants_and_users_have_attributes_too() {
    let world = World::start().await;
    let (customer, tenant) = (world.owner_of(&world.customer_a).await, tenant_of(&world).await);
    let user = world.call(Method::GET, "/api/auth/user", Some(&world.customer_a), None).await.1["id"]["id"].clone();
    for (entity_type, id) in [("CUSTOMER", &customer), ("TENANT", &tenant), ("USER", &user)] {
        let id = id.as_str().unwrap();
        let admin = Of::new(&world, &world.tenant, entity_type, id);
        // Of these entities, the claiming attributes of devices are attributes like any other.
        assert_eq!(admin.save("SERVER_SCOPE", json!({"claimingAllowed": "7", "x": {"a": []}})).await, StatusCode::OK);
        assert_eq!(admin.save("attributes/SHARED_SCOPE", json!({"y": true})).await, StatusCode::OK);
        assert_eq!(admin.values("/SERVER_SCOPE").await, json!({"claimingAllowed": 7, "x": {"a": []}}));
        assert_eq!(admin.call(Method::GET, "keys/attributes", None).await.1, json!(["claimingAllowed", "x", "y"]));
        let deleted = admin.call(Method::DELETE, "SERVER_SCOPE?keys=claimingAllowed,no", None).await;
        assert_eq!(deleted.0, StatusCode::OK);
        assert_eq!(admin.values("").await, json!({"x": {"a": []}, "y": true}));
        let (status, body) =
            Of::new(&world, &world.tenant, entity_type, UNKNOWN).call(Method::GET, "values/attributes", None).await;
        assert_eq!((status, &body["errorCode"]), (StatusCode::NOT_FOUND, &json!(32)), "{entity_type}");

        let owner = Of::new(&world, &world.customer_a, entity_type, id);
        let (read, written) = (
            owner.call(Method::GET, "values/attributes", None).await.0,
            owner.save("SERVER_SCOPE", json!({"x": 1})).await,
        );
        let expected = if entity_type == "USER" { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!((read, written), (expected, expected), "{entity_type}");
        let stranger = Of::new(&world, &world.customer_b, entity_type, id);
        assert_eq!(stranger.call(Method::GET, "values/attributes", None).await.0, StatusCode::FORBIDDEN);
    }
    let operator =
        crate::deed::world::sign_in(&world.client, &world.server.url, "sysadmin@thingsboard.org", "sysadmin").await;
    let (status, body) =
        Of::new(&world, &operator, "DEVICE", UNKNOWN).call(Method::GET, "values/attributes", None).await;
    let message = "System administrator is not allowed to perform this operation!";
    assert_eq!((status, &body["message"]), (StatusCode::FORBIDDEN, &json!(message)));
}

async fn tenant_of(world: &World) -> Value {
    world.call(Method::GET, "/api/auth/user", Some(&world.tenant), None).await.1["tenantId"]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_neither_sees_nor_writes_what_claims_its_device() {
    let world = World::start().await;
    let customer = world.owner_of(&world.customer_a).await;
    let mut ids = Vec::new();
    for (name, owner) in [("own", Some(&customer)), ("free", None)] {
        let owner = owner.map(|id| json!({"entityType": "CUSTOMER", "id": id}));
        let body = json!({"name": name, "customerId": owner});
        let (_, device) = world.call(Method::POST, "/api/device", Some(&world.tenant), Some(body)).await;
        let id = device["id"]["id"].as_str().unwrap().to_owned();
        let data = json!({"claimingData": {"secretKey": secret("k"), "expirationTime": later()}, "x": 1});
        assert_eq!(world.write(&world.tenant, &id, data).await, StatusCode::OK);
        ids.push(id);
    }
    let own = Of::new(&world, &world.customer_a, "DEVICE", &ids[0]);
    assert_eq!(own.values("/SERVER_SCOPE").await, json!({"x": 1}));
    assert_eq!(own.values("?keys=claimingData").await, json!({}));
    assert_eq!(own.call(Method::GET, "keys/attributes/SERVER_SCOPE", None).await.1, json!(["x"]));
    for body in [json!({"claimingAllowed": true, "x": 2}), json!({"claimingData": "{}"})] {
        assert_eq!(own.save("SERVER_SCOPE", body).await, StatusCode::FORBIDDEN);
    }
    let deleted = own.call(Method::DELETE, "SERVER_SCOPE?keys=x,claimingData", None).await;
    assert_eq!(deleted.0, StatusCode::FORBIDDEN);
    assert_eq!(own.values("").await, json!({"x": 1}), "nothing of it was carried out");
    assert_eq!(own.save("SERVER_SCOPE", json!({"x": 2})).await, StatusCode::OK);
    let admin = Of::new(&world, &world.tenant, "DEVICE", &ids[0]);
    assert_eq!(admin.values("?keys=claimingData").await["claimingData"]["secretKey"], "***");

    let free = Of::new(&world, &world.customer_a, "DEVICE", &ids[1]);
    let answers = [
        free.call(Method::GET, "values/attributes", None).await.0,
        free.call(Method::GET, "keys/attributes", None).await.0,
        free.save("SERVER_SCOPE", json!({"x": 2})).await,
        free.call(Method::DELETE, "SERVER_SCOPE?keys=x", None).await.0,
    ];
    assert_eq!(answers, [StatusCode::FORBIDDEN; 4]);
}
