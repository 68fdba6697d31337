//! Limits of requests, as the configuration sets them (`docs/protocol.md`, limits).

use std::time::Duration;

use reqwest::{Method, StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};

use crate::{
    customers::told,
    deed::world::{World, sign_in, token_of},
};

const OK: StatusCode = StatusCode::OK;
const WHO_AM_I: &str = "/api/auth/user";

impl World {
    /// Status, `Retry-After` and body of a question who asks; `accept` is what it accepts.
    async fn ask_who_i_am(&self, token: &str, accept: &str) -> (StatusCode, Option<u64>, Value) {
        let request = self.client.get(format!("{}{WHO_AM_I}", self.server.url)).header("Accept", accept);
        let answer = request.bearer_auth(token).send().await.unwrap();
        let retry_after = answer.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().parse().unwrap());
        (answer.status(), retry_after, answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn a_customer_beyond_its_limit_waits_and_nobody_else_does() {
    let world = World::start_with(&[("TB_SERVER_REST_LIMITS_CUSTOMER_CONFIGURATION", "100:1,3:600")]).await;
    for _ in 0..3 {
        assert_eq!(world.get(&world.customer_a, WHO_AM_I).await.0, OK);
    }
    let beyond = world.get(&world.customer_a, WHO_AM_I).await;
    assert_eq!(told(&beyond), (429, 33, "Too many requests for current customer!"));
    let (_, retry_after, problem) = world.ask_who_i_am(&world.customer_a, "application/problem+json").await;
    assert!(matches!(retry_after, Some(1..=200)), "one of three comes back in 200 s: {retry_after:?}");
    assert_eq!((&problem["code"], &problem["errorCode"]), (&json!("too_many_requests"), &json!(33)));
    for path in ["/api/nothing", "/api/tenant/devices?pageSize=1&page=0"] {
        assert_eq!(world.get(&world.customer_a, path).await.0, StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    assert_eq!(world.claim_with(&world.customer_a, "D", "k").await.0, StatusCode::TOO_MANY_REQUESTS);

    assert_eq!(world.get(&world.customer_b, WHO_AM_I).await.0, OK);
    for _ in 0..10 {
        assert_eq!(world.get(&world.tenant, WHO_AM_I).await.0, OK);
    }
    let again = sign_in(&world.client, &world.server.url, "customer@thingsboard.org", "customer").await;
    assert_eq!(world.get(&again, WHO_AM_I).await.0, StatusCode::TOO_MANY_REQUESTS, "a new login is the same customer");
    let metrics = world.client.get(format!("{}/metrics", world.server.url)).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("deed_rate_limited_total{limit=\"customer\"} 6"), "{metrics}");
}

#[tokio::test]
async fn a_tenants_limit_counts_its_customers_and_not_the_operators() {
    let environment = [
        ("TB_SERVER_REST_LIMITS_TENANT_CONFIGURATION", "6:600"),
        ("TB_SERVER_REST_LIMITS_CUSTOMER_CONFIGURATION", "3:600"),
    ];
    let world = World::start_with(&environment).await;
    for (who, times) in [(&world.customer_a, 3), (&world.customer_b, 2), (&world.tenant, 1)] {
        for _ in 0..times {
            assert_eq!(world.get(who, WHO_AM_I).await.0, OK);
        }
    }
    let message = "Too many requests for current tenant!";
    assert_eq!(told(&world.get(&world.tenant, WHO_AM_I).await), (429, 33, message));
    assert_eq!(told(&world.get(&world.customer_b, WHO_AM_I).await), (429, 33, message));
    let message = "Too many requests for current customer!";
    assert_eq!(told(&world.get(&world.customer_a, WHO_AM_I).await), (429, 33, message));

    let operator = sign_in(&world.client, &world.server.url, "sysadmin@thingsboard.org", "sysadmin").await;
    for _ in 0..10 {
        assert_eq!(world.get(&operator, WHO_AM_I).await.0, OK);
    }
    let wrong = json!({"username": "tenant@thingsboard.org", "password": "wrong"});
    let wrong = world.call(Method::POST, "/api/auth/login", None, Some(wrong)).await;
    assert_eq!(wrong.0, StatusCode::UNAUTHORIZED, "a login is not counted");
}

#[tokio::test]
async fn who_waits_as_long_as_it_is_told_is_let_in() {
    let environment = [
        ("TB_SERVER_REST_LIMITS_TENANT_CONFIGURATION", "2:60"),
        ("TB_SERVER_REST_LIMITS_TENANT_ENABLED", "false"),
        ("TB_SERVER_REST_LIMITS_CUSTOMER_CONFIGURATION", "2:4"),
    ];
    let world = World::start_with(&environment).await;
    let mut told = None;
    for _ in 0..100 {
        let (status, retry_after, _) = world.ask_who_i_am(&world.customer_a, "application/json").await;
        assert_eq!(retry_after.is_some(), status == StatusCode::TOO_MANY_REQUESTS);
        told = told.or(retry_after);
        if told.is_some() {
            break;
        }
    }
    let seconds = told.unwrap();
    assert!((1..=2).contains(&seconds), "{seconds}");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    assert_eq!(world.get(&world.customer_a, WHO_AM_I).await.0, OK);
    for _ in 0..10 {
        assert_eq!(world.get(&world.tenant, WHO_AM_I).await.0, OK, "the tenant's limit is switched off");
    }
}

#[tokio::test]
async fn a_device_beyond_its_limit_waits_and_is_told_how_much_it_may_send() {
    let world = World::start_with(&[("TB_TRANSPORT_RATE_LIMITS_DEVICE", "3:600")]).await;
    for name in ["Loud", "Quiet"] {
        world.open_device(name).await;
    }
    let path = |name: &str, what: &str| format!("/api/v1/{}/{what}", token_of(name));
    let question = json!({"method": "getSessionLimits", "params": {}});
    let (_, limits) = world.call(Method::POST, &path("Loud", "rpc"), None, Some(question)).await;
    assert_eq!(limits["rateLimits"]["messages"], json!("3:600"));
    for _ in 0..2 {
        assert_eq!(world.call(Method::POST, &path("Loud", "telemetry"), None, Some(json!({"t": 1}))).await.0, OK);
    }
    for what in ["claim", "telemetry", "attributes"] {
        let url = format!("{}{}", world.server.url, path("Loud", what));
        let answer = world.client.post(url).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "{what}");
        let seconds: u64 = answer.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
        assert!((1..=200).contains(&seconds), "{seconds}");
        assert_eq!(answer.text().await.unwrap(), "", "{what}");
    }
    assert_eq!(world.claim(&world.customer_a, "Loud", json!({})).await.1, "FAILURE", "nothing was registered");
    assert_eq!(world.register("Quiet", "k", 60_000).await, OK);
    assert_eq!(world.claim_with(&world.customer_a, "Quiet", "k").await.0, OK);
}
