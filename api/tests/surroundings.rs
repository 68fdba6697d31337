//! What surrounds every route, seen with a store that cannot be reached: ids, headers, bodies of errors, routes that
//! are not there, and routes of another crate.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod unreachable;

use std::{error::Error, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use deed_api::{Readiness, router};
use deed_domain::{claims::Failure, device::Refusal, time::Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt;
use unreachable::{ADMIN, CUSTOMER, DETAIL, ENDED, MAX_BODY, REFRESH, VANISHED, state};

const DEVICE: &str = "/api/device/784f394c-42b6-11f0-983c-b7beff2784f9";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn is(&self, status: u16, error_code: u16) -> bool {
        self.status.as_u16() == status && self.json()["errorCode"] == error_code
    }
}

async fn ask(request: Request<Body>) -> Answer {
    ask_with(Router::new(), request).await
}

async fn ask_with(extra: Router, request: Request<Body>) -> Answer {
    let response = router(state(Readiness::default()), extra).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 1_000_000).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::from(body.to_owned())).unwrap()
}

fn as_user(token: &str, method: &str, path: &str) -> Request<Body> {
    request(method, path, &[("X-Authorization", &format!("Bearer {token}"))], "")
}

#[tokio::test]
async fn a_request_keeps_its_id_if_it_is_well_formed() {
    let answer = ask(request("GET", "/health/live", &[("X-Request-Id", "mine-1")], "")).await;
    assert_eq!(answer.header("x-request-id"), Some("mine-1"));
    let answer = ask(request("GET", "/health/live", &[("X-Request-Id", "not mine")], "")).await;
    assert_eq!(answer.header("x-request-id").map(str::len), Some(36));
}

#[tokio::test]
async fn every_answer_is_neither_sniffed_nor_kept() {
    for path in ["/health/live", "/api/auth/user", "/nothing", "/api//x"] {
        let answer = ask(request("GET", path, &[], "")).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[tokio::test]
async fn a_store_that_fails_is_told_without_its_details() {
    let answer = ask(as_user(ADMIN, "GET", DEVICE)).await;
    assert!(answer.is(503, 2), "{}", answer.body);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(!answer.body.contains(DETAIL));

    let overloaded = ask(as_user(CUSTOMER, "POST", "/api/customer/device/D/claim")).await;
    assert!(overloaded.is(503, 2), "{}", overloaded.body);
}

#[tokio::test]
async fn tokens_are_refused_for_what_they_are() {
    for (token, error_code) in [("expired", 11), (ENDED, 11), (VANISHED, 10), (REFRESH, 10), ("rubbish", 10)] {
        let answer = ask(as_user(token, "GET", "/api/auth/user")).await;
        assert!(answer.is(401, error_code), "{token}: {}", answer.body);
    }
    assert_eq!(ask(as_user(ADMIN, "GET", "/api/auth/user")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_role_that_does_not_suffice_is_forbidden() {
    for (token, method, path) in [
        (ADMIN, "POST", "/api/customer/device/D/claim"),
        (CUSTOMER, "DELETE", DEVICE),
        (CUSTOMER, "GET", "/api/tenant/devices?deviceName=D"),
        (CUSTOMER, "GET", "/api/audit/events"),
    ] {
        assert!(ask(as_user(token, method, path)).await.is(403, 20), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_to_those_who_are_signed_in() {
    assert!(ask(request("GET", "/api/nothing", &[], "")).await.is(401, 10));
    assert!(ask(as_user(ADMIN, "GET", "/api/nothing")).await.is(404, 32));
    assert!(ask(request("GET", "/nothing", &[], "")).await.is(404, 32));
    assert!(ask(as_user(ADMIN, "GET", &format!("{DEVICE}/"))).await.is(404, 32));
}

#[tokio::test]
async fn a_wrong_method_is_told_with_the_right_ones() {
    let answer = ask(request("PUT", "/api/device", &[], "")).await;
    assert!(answer.is(405, 31), "{}", answer.body);
    assert_eq!(answer.header("allow"), Some("POST"));
    assert!(ask(request("GET", "/api/auth/login", &[], "")).await.is(401, 10));
}

#[tokio::test]
async fn a_path_that_cannot_be_decoded_is_a_bad_request() {
    for path in ["/api/customer/device//claim", "/api/customer/device/%ff/claim", "/api/customer/device/%zz/claim"] {
        assert!(ask(as_user(CUSTOMER, "POST", path)).await.is(400, 31), "{path}");
    }
    assert!(ask(as_user(ADMIN, "GET", "/api/device/rubbish")).await.is(400, 31));
}

#[tokio::test]
async fn a_body_is_measured_after_the_credentials() {
    let large = "x".repeat(MAX_BODY + 1);
    let without = ask(request("POST", "/api/device", &[], &large)).await;
    assert!(without.is(401, 10), "{}", without.body);
    let token = format!("Bearer {ADMIN}");
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    let answer = ask(request("POST", "/api/device", &headers, &large)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.json(), json!("Payload size exceeds the limit of 1000 bytes"));
    assert_eq!(answer.header("content-type"), None);
}

#[tokio::test]
async fn a_problem_is_told_to_those_who_ask_for_it() {
    let headers = [("Accept", "application/problem+json"), ("X-Request-Id", "r.1")];
    let answer = ask(request("GET", "/api/auth/user", &headers, "")).await;
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!((&problem["code"], &problem["requestId"]), (&json!("authentication_failed"), &json!("r.1")));
    assert_eq!(problem["instance"], "urn:deed:request:r.1");
}

#[tokio::test]
async fn pages_of_other_origins_may_use_the_api_and_nothing_else() {
    let headers = [
        ("Origin", "https://shop.example"),
        ("Access-Control-Request-Method", "DELETE"),
        ("Access-Control-Request-Headers", "x-authorization"),
    ];
    let answer = ask(request("OPTIONS", "/api/customer/device/D/claim", &headers, "")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("DELETE"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("x-authorization"));
    assert_eq!(answer.header("access-control-max-age"), Some("1800"));
    let refused = ask(request("GET", "/api/auth/user", &headers[..1], "")).await;
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://shop.example"));
    let metrics = ask(request("GET", "/metrics", &headers[..1], "")).await;
    assert_eq!((metrics.status, metrics.header("access-control-allow-origin")), (StatusCode::OK, None));
}

#[tokio::test]
async fn readiness_is_that_of_the_store() {
    assert_eq!(ask(request("GET", "/health/live", &[], "")).await.status, StatusCode::OK);
    let answer = ask(request("GET", "/health/ready", &[], "")).await;
    assert_eq!(
        (answer.status, answer.json()),
        (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "store-unavailable"}))
    );

    let readiness = Readiness::default();
    readiness.drain();
    let router = router(state(readiness), Router::new());
    let response = router.oneshot(request("GET", "/health/ready", &[], "")).await.unwrap();
    let body = to_bytes(response.into_body(), 100).await.unwrap();
    assert_eq!(body, json!({"status": "draining"}).to_string());
}

/// Routes as another crate brings them.
fn devices() -> Router {
    async fn refused() -> Response {
        let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
        response
            .extensions_mut()
            .insert(Failure::from(Refusal::ClaimantLocked { until: Timestamp(1_735_689_607_500) }));
        response
    }
    async fn faulty() -> Response {
        let mut response = StatusCode::BAD_REQUEST.into_response();
        let fault: Arc<dyn Error + Send + Sync> = Arc::new(std::fmt::Error);
        response.extensions_mut().insert(fault);
        response
    }
    async fn panics() {
        panic!("a fault of this test")
    }
    Router::new()
        .route("/api/v1/{token}/refused", post(refused))
        .route("/api/v1/{token}/faulty", post(faulty))
        .route("/api/v1/{token}/unknown", post(async || StatusCode::UNAUTHORIZED))
        .route("/api/v1/{token}/panics", post(panics))
        .route(
            "/api/v1/{token}/id",
            post(async |headers: HeaderMap| headers["x-request-id"].clone().to_str().unwrap().to_owned()),
        )
}

async fn of_devices(method: Method, path: &str) -> Answer {
    ask_with(devices(), request(method.as_str(), path, &[], "")).await
}

#[tokio::test]
async fn refusals_of_another_crate_get_their_body_here() {
    let refused = of_devices(Method::POST, "/api/v1/TOKEN/refused").await;
    assert!(refused.is(429, 33), "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("8"));
    assert!(of_devices(Method::POST, "/api/v1/TOKEN/faulty").await.is(400, 31));
    let unknown = of_devices(Method::POST, "/api/v1/TOKEN/unknown").await;
    assert_eq!((unknown.status, unknown.body.as_str()), (StatusCode::UNAUTHORIZED, ""));
    assert_eq!(unknown.header(header::CONTENT_TYPE.as_str()), None);
    assert!(of_devices(Method::PUT, "/api/v1/TOKEN/faulty").await.is(405, 31));
    assert!(of_devices(Method::POST, "/api/v1/TOKEN/nothing").await.is(404, 32));
}

#[tokio::test]
async fn another_crate_reads_the_id_from_the_request() {
    let answer = of_devices(Method::POST, "/api/v1/TOKEN/id").await;
    assert_eq!(answer.header("x-request-id"), Some(answer.body.as_str()));
}

#[tokio::test]
async fn a_panic_is_a_fault_of_ours_and_says_nothing() {
    let answer = of_devices(Method::POST, "/api/v1/TOKEN/panics").await;
    assert!(answer.is(500, 2), "{}", answer.body);
    assert!(!answer.body.contains("fault of this test"));
}
