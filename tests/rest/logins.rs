//! Logins: how they end, passwords, acting for somebody, API keys.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::deed::world::{Answer, World};

const CUSTOMER: &str = "customer@thingsboard.org";
const NULL_UUID: &str = "13814000-1dd2-11b2-8080-808080808080";

impl World {
    async fn pair(&self, email: &str, password: &str) -> (StatusCode, String, String) {
        let body = json!({"username": email, "password": password});
        let (status, pair) = self.call(Method::POST, "/api/auth/login", None, Some(body)).await;
        let text = |name: &str| pair[name].as_str().unwrap_or_default().to_owned();
        (status, text("token"), text("refreshToken"))
    }

    async fn who_am_i(&self, token: &str) -> Answer {
        self.call(Method::GET, "/api/auth/user", Some(token), None).await
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.call(Method::POST, "/api/auth/token", None, Some(json!({"refreshToken": token}))).await
    }

    /// A request with an API key, or whatever else stands in the header.
    async fn as_program(&self, method: Method, path: &str, credentials: &str) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.server.url));
        let answer = request.header("X-Authorization", credentials).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or(Value::Null))
    }
}

fn refused(answer: &Answer) -> (u16, i64, &str) {
    (answer.0.as_u16(), answer.1["errorCode"].as_i64().unwrap_or_default(), answer.1["message"].as_str().unwrap_or(""))
}

/// However soon after its beginning: nothing is compared by the second.
#[tokio::test]
async fn a_login_ends_at_once_and_others_go_on() {
    let world = World::start().await;
    for _ in 0..3 {
        let (_, token, refresh) = world.pair(CUSTOMER, "customer").await;
        assert_eq!(world.refresh(&refresh).await.0, StatusCode::OK);
        let ended = world.call(Method::POST, "/api/auth/logout", Some(&token), None).await;
        assert_eq!(ended, (StatusCode::OK, Value::Null));
        assert_eq!(refused(&world.who_am_i(&token).await), (401, 11, "Token has expired"));
        assert_eq!(refused(&world.refresh(&refresh).await), (401, 10, "Authentication failed"));
    }
    assert_eq!(world.who_am_i(&world.customer_a).await.0, StatusCode::OK, "another login of the same person");
    let nobody = world.call(Method::POST, "/api/auth/logout", None, None).await;
    assert_eq!(refused(&nobody), (401, 10, "Authentication failed"));
}

#[tokio::test]
async fn a_changed_password_ends_every_older_login() {
    let world = World::start().await;
    let change = async |token: &str, body: Value| {
        world.call(Method::POST, "/api/auth/changePassword", Some(token), Some(body)).await
    };
    let (_, token, refresh) = world.pair(CUSTOMER, "customer").await;
    for (body, message) in [
        (json!({"currentPassword": "wrong", "newPassword": "another"}), "Current password doesn't match!"),
        (
            json!({"currentPassword": "customer", "newPassword": "customer"}),
            "New password should be different from existing!",
        ),
        (
            json!({"currentPassword": "customer", "newPassword": "12345"}),
            "Password must be 6 or more characters in length.",
        ),
        (
            json!({"currentPassword": "customer", "newPassword": "x".repeat(73)}),
            "Password must be no more than 72 characters in length.",
        ),
        (json!({"currentPassword": "customer"}), "Member 'newPassword' is missing"),
        (json!({}), "Member 'currentPassword' is missing"),
    ] {
        assert_eq!(refused(&change(&token, body).await), (400, 31, message));
    }
    assert_eq!(world.who_am_i(&token).await.0, StatusCode::OK, "nothing has changed so far");
    let (status, pair) = change(&token, json!({"currentPassword": "customer", "newPassword": "another"})).await;
    assert_eq!(status, StatusCode::OK);
    for old in [&token, &world.customer_a] {
        assert_eq!(refused(&world.who_am_i(old).await), (401, 11, "Token has expired"));
    }
    assert_eq!(world.refresh(&refresh).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(world.who_am_i(pair["token"].as_str().unwrap()).await.0, StatusCode::OK);
    assert_eq!(world.refresh(pair["refreshToken"].as_str().unwrap()).await.0, StatusCode::OK);
    assert_eq!(world.pair(CUSTOMER, "customer").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(world.pair(CUSTOMER, "another").await.0, StatusCode::OK);
    assert_eq!(world.who_am_i(&world.customer_b).await.0, StatusCode::OK, "somebody else");

    let (status, policy) = world.call(Method::GET, "/api/noauth/userPasswordPolicy", None, None).await;
    assert_eq!((status, &policy["minimumLength"], &policy["maximumLength"]), (StatusCode::OK, &json!(6), &json!(72)));
}

#[tokio::test]
async fn an_administrator_acts_as_users_of_its_customers_and_nobody_else() {
    let world = World::start().await;
    let id = async |token: &str| world.who_am_i(token).await.1["id"]["id"].as_str().unwrap().to_owned();
    let (customer, admin) = (id(&world.customer_a).await, id(&world.tenant).await);
    let ask = async |token: &str, id: &str| {
        world.call(Method::GET, &format!("/api/user/{id}/token"), Some(token), None).await
    };
    let (status, pair) = ask(&world.tenant, &customer).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(id(pair["token"].as_str().unwrap()).await, customer);
    for (token, id) in [(&world.tenant, &admin), (&world.customer_a, &customer), (&world.customer_b, &customer)] {
        assert_eq!(refused(&ask(token, id).await).0, 403);
    }
    assert_eq!(refused(&ask(&world.tenant, NULL_UUID).await).0, 404);
    assert_eq!(refused(&ask(&world.tenant, "rubbish").await).0, 400);
    // Who may not sign in, as whom nobody does.
    let forbidden = (403, 20, "You don't have permission to perform this operation!");
    let disable = format!("/api/user/{customer}/userCredentialsEnabled?userCredentialsEnabled=false");
    assert_eq!(world.call(Method::POST, &disable, Some(&world.tenant), None).await.0, StatusCode::OK);
    assert_eq!(refused(&ask(&world.tenant, &customer).await), forbidden);
    let waiting = json!({"email": "waiting@example.com", "authority": "CUSTOMER_USER",
        "customerId": {"entityType": "CUSTOMER", "id": world.owner_of(&world.customer_b).await}});
    let add = "/api/user?sendActivationMail=false";
    let (_, waiting) = world.call(Method::POST, add, Some(&world.tenant), Some(waiting)).await;
    assert_eq!(refused(&ask(&world.tenant, waiting["id"]["id"].as_str().unwrap()).await), forbidden);

    let world = World::start_with(&[("SECURITY_USER_TOKEN_ACCESS_ENABLED", "false")]).await;
    let customer = world.who_am_i(&world.customer_a).await.1["id"]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/user/{customer}/token");
    assert_eq!(world.call(Method::GET, &path, Some(&world.tenant), None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.call(Method::GET, "/api/system/info", Some(&world.tenant), None).await.1["artifact"], "deed");
    assert_eq!(world.call(Method::GET, "/api/system/info", None, None).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_program_signs_in_with_a_key_that_is_shown_once() {
    let world = World::start().await;
    let make = async |token: &str, body: Value| world.call(Method::POST, "/api/apiKey", Some(token), Some(body)).await;
    let (status, key) = make(&world.tenant, json!({"description": "nightly import"})).await;
    assert_eq!((status, &key["id"]["entityType"], &key["expired"]), (StatusCode::OK, &json!("API_KEY"), &json!(false)));
    let (id, value) = (key["id"]["id"].as_str().unwrap(), key["value"].as_str().unwrap());
    assert!(value.starts_with("tb_") && value.len() > 80, "{}", value.len());
    let user = key["userId"]["id"].as_str().unwrap();

    let who = async |credentials: &str| world.as_program(Method::GET, "/api/auth/user", credentials).await;
    let program = format!("ApiKey {value}");
    assert_eq!(who(&program).await.1["email"], "tenant@thingsboard.org");
    assert_eq!(who(&format!("apikey {value}")).await.0, StatusCode::OK);
    for wrong in ["ApiKey tb_unknown", "ApiKey ", "ApiKey"] {
        assert_eq!(refused(&who(wrong).await), (401, 10, "Invalid username or password"), "{wrong}");
    }
    // Signing out ends no key.
    assert_eq!(world.as_program(Method::POST, "/api/auth/logout", &program).await.0, StatusCode::OK);
    assert_eq!(who(&program).await.0, StatusCode::OK);

    let list = async |token: &str, id: &str| {
        world.call(Method::GET, &format!("/api/apiKeys/{id}?pageSize=10&page=0"), Some(token), None).await
    };
    let (status, page) = list(&world.tenant, user).await;
    assert_eq!((status, &page["totalElements"]), (StatusCode::OK, &json!(1)));
    assert_eq!((&page["data"][0]["description"], &page["data"][0]["value"]), (&json!("nightly import"), &Value::Null));

    let put = async |path: &str| world.call(Method::PUT, path, Some(&world.tenant), Some(json!("weekly"))).await;
    assert_eq!(put(&format!("/api/apiKey/{id}/description")).await.1["description"], "weekly");
    assert_eq!(put(&format!("/api/apiKey/{id}/enabled/false")).await.1["enabled"], false);
    assert_eq!(refused(&who(&program).await), (401, 10, "User account is not active"));
    assert_eq!(put(&format!("/api/apiKey/{id}/enabled/perhaps")).await.0, StatusCode::BAD_REQUEST);
    put(&format!("/api/apiKey/{id}/enabled/true")).await;
    assert_eq!(who(&program).await.0, StatusCode::OK);

    let expired = make(&world.tenant, json!({"description": "old", "expirationTime": 1_000})).await.1;
    assert_eq!(expired["expired"], true);
    let old = format!("ApiKey {}", expired["value"].as_str().unwrap());
    assert_eq!(refused(&who(&old).await), (401, 10, "API key is expired"));

    // Whose keys are whose business.
    let customer = world.who_am_i(&world.customer_a).await.1["id"].clone();
    let (status, of_customer) = make(&world.tenant, json!({"description": "for a customer", "userId": customer})).await;
    assert_eq!((status, &of_customer["userId"]), (StatusCode::OK, &customer));
    assert_eq!(list(&world.customer_a, customer["id"].as_str().unwrap()).await.1["totalElements"], 1);
    assert_eq!(list(&world.customer_b, customer["id"].as_str().unwrap()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(list(&world.customer_a, user).await.0, StatusCode::FORBIDDEN);
    assert_eq!(make(&world.customer_b, json!({"description": "x", "userId": customer})).await.0, StatusCode::FORBIDDEN);
    assert_eq!(make(&world.tenant, json!({"description": " "})).await.0, StatusCode::BAD_REQUEST);

    // One that is there is saved, and no other one made.
    let saved = |more: Value| {
        let mut draft = json!({"id": key["id"], "description": "monthly"});
        draft.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        draft
    };
    let (status, off) = make(&world.tenant, saved(json!({"enabled": false}))).await;
    assert_eq!((status, &off["id"], &off["createdTime"]), (StatusCode::OK, &key["id"], &key["createdTime"]));
    assert_eq!((&off["description"], &off["enabled"], &off["value"]), (&json!("monthly"), &json!(false), &Value::Null));
    assert_eq!(refused(&who(&program).await), (401, 10, "User account is not active"));
    assert_eq!(make(&world.tenant, saved(json!({}))).await.1["enabled"], false, "what it does not say stays");
    let whole = json!({"enabled": true, "userId": key["userId"], "expirationTime": 0, "value": null});
    assert_eq!(make(&world.tenant, saved(whole)).await.1["enabled"], true);
    assert_eq!(who(&program).await.0, StatusCode::OK);
    for (more, message) in [
        (json!({"userId": customer}), "Cannot update API key user id!"),
        (json!({"expirationTime": 7}), "Cannot update API key expiration time!"),
        (json!({"description": " "}), "API key description should be specified!"),
    ] {
        assert_eq!(refused(&make(&world.tenant, saved(more)).await), (400, 31, message));
    }
    assert_eq!(make(&world.customer_a, saved(json!({}))).await.0, StatusCode::FORBIDDEN);
    let unknown = json!({"id": {"entityType": "API_KEY", "id": user}});
    assert_eq!(make(&world.tenant, saved(unknown)).await.0, StatusCode::NOT_FOUND);
    assert_eq!(list(&world.tenant, user).await.1["totalElements"], 2, "this one and the expired one");

    let path = format!("/api/apiKey/{id}");
    assert_eq!(world.call(Method::DELETE, &path, Some(&world.customer_a), None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.call(Method::DELETE, &path, Some(&world.tenant), None).await.0, StatusCode::OK);
    assert_eq!(refused(&who(&program).await), (401, 10, "Invalid username or password"));
    assert_eq!(world.call(Method::DELETE, &path, Some(&world.tenant), None).await.0, StatusCode::NOT_FOUND);

    let (data, value) = (world.data.path().to_owned(), value.to_owned());
    let (_, printed) = world.server.stop();
    assert!(!printed.contains(&value));
    for file in std::fs::read_dir(data).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            let bytes = std::fs::read(file.path()).unwrap();
            let found = bytes.windows(value.len()).any(|window| window == value.as_bytes());
            assert!(!found, "the value stands in {}", file.path().display());
        }
    }
}
