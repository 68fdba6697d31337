//! Writes the body of every error, and its log line.

use std::{error::Error, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, header},
};
use deed_domain::{claims::Failure, time::Timestamp};
use serde::Serialize;

use super::{
    ApiError, ErrorBody, Problem,
    report::{Bare, Report, Retry},
};

/// Which body the caller wants for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// ThingsBoard's.
    ThingsBoard,
    /// RFC 9457's.
    Problem,
}

impl Format {
    /// What `Accept` asks for.
    pub(crate) fn asked_for(headers: &HeaderMap) -> Self {
        if accepts(headers, "application/problem+json") { Self::Problem } else { Self::ThingsBoard }
    }
}

/// Whether `Accept` names exactly this media type, with a weight other than 0.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).any(
        |range| {
            let mut parts = range.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(media_type));
            let refused = parts
                .filter_map(|parameter| parameter.split_once('='))
                .any(|(name, weight)| name.trim().eq_ignore_ascii_case("q") && weight.trim().parse() == Ok(0.0_f32));
            named && !refused
        },
    )
}

/// The response with its error's body, if it carries an error; as it is otherwise.
pub(crate) fn written(
    mut response: Response<Body>,
    format: Format,
    request_id: &str,
    now: Timestamp,
) -> Response<Body> {
    let Some(report) = report_of(&mut response) else { return response };
    *response.status_mut() = report.status;
    let (content_type, bytes) = match (format, report.bare) {
        (Format::Problem, _) => (Some("application/problem+json"), json(&problem(&report, request_id))),
        (Format::ThingsBoard, Some(Bare::Word(word))) => (Some("application/json"), json(&word)),
        (Format::ThingsBoard, Some(Bare::Message)) => (None, json(&report.message)),
        (Format::ThingsBoard, None) => {
            let body = ErrorBody {
                status: report.status.as_u16(),
                message: report.message,
                error_code: report.error_code,
                timestamp: now.0,
            };
            (Some("application/json"), json(&body))
        }
    };
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    match content_type {
        Some(content_type) => headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        None => headers.remove(header::CONTENT_TYPE),
    };
    if let Some(retry) = report.retry {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds(retry, now)));
    }
    *response.body_mut() = Body::from(bytes);
    response
}

/// What the caller is told of an error that is a part of an answer, and not the answer.
pub(crate) fn told(error: &ApiError) -> String {
    let report = Report::from(error);
    log(&report, error);
    report.message.into_owned()
}

fn report_of(response: &mut Response<Body>) -> Option<Report> {
    let status = response.status();
    let extensions = response.extensions_mut();
    let (report, error): (Report, Arc<dyn Error + Send + Sync>) = if let Some(error) = extensions.remove::<ApiError>() {
        (Report::from(&error), Arc::new(error))
    } else if let Some(failure) = extensions.remove::<Failure>() {
        (Report::of_failure(status, &failure), Arc::new(failure))
    } else {
        let fault = extensions.remove::<Arc<dyn Error + Send + Sync>>()?;
        (Report::of_fault(status, fault.to_string()), fault)
    };
    log(&report, &*error);
    Some(report)
}

fn log(report: &Report, error: &dyn Error) {
    if report.status.is_server_error() {
        tracing::error!(status = report.status.as_u16(), code = report.code, error = %error, "request failed");
    } else {
        tracing::debug!(status = report.status.as_u16(), code = report.code, "request refused");
    }
}

fn problem(report: &Report, request_id: &str) -> Problem {
    Problem {
        kind: "about:blank",
        title: report.status.canonical_reason().unwrap_or("Error"),
        status: report.status.as_u16(),
        detail: report.message.clone(),
        instance: format!("urn:deed:request:{request_id}"),
        code: report.code,
        request_id: request_id.to_owned(),
        error_code: report.error_code,
    }
}

/// These bodies are texts and numbers, which always have a JSON form.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Whole seconds, rounded up, at least one.
const fn seconds(retry: Retry, now: Timestamp) -> i64 {
    match retry {
        Retry::AfterSeconds(seconds) => seconds,
        Retry::At(until) => {
            let milliseconds = until.since(now);
            if milliseconds <= 1000 { 1 } else { milliseconds / 1000 + (milliseconds % 1000 != 0) as i64 }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{http::StatusCode, response::IntoResponse};
    use deed_domain::device::Refusal;
    use serde_json::{Value, json};

    use super::*;

    fn accept(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_problem_is_written_only_when_it_is_asked_for() {
        for value in ["application/problem+json", "application/json, Application/Problem+JSON;q=0.5"] {
            assert_eq!(Format::asked_for(&accept(value)), Format::Problem, "{value}");
        }
        for value in ["", "*/*", "application/*", "application/json", "application/problem+json; q=0"] {
            assert_eq!(Format::asked_for(&accept(value)), Format::ThingsBoard, "{value}");
        }
        assert_eq!(Format::asked_for(&HeaderMap::new()), Format::ThingsBoard);
    }

    async fn body_of(response: Response<Body>, format: Format) -> (StatusCode, Option<String>, String) {
        let response = written(response, format, "r-1", Timestamp(5_000));
        let content_type = response.headers().get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap().to_owned());
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, content_type, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_default_body_has_four_members() {
        let response = ApiError::Forbidden.into_response();
        let (status, content_type, body) = body_of(response, Format::ThingsBoard).await;
        assert_eq!((status, content_type.as_deref()), (StatusCode::FORBIDDEN, Some("application/json")));
        let body: Value = serde_json::from_str(&body).unwrap();
        let message = "You don't have permission to perform this operation!";
        assert_eq!(body, json!({"status": 403, "message": message, "errorCode": 20, "timestamp": 5000}));
    }

    #[tokio::test]
    async fn a_problem_names_code_and_request() {
        let (_, content_type, body) = body_of(ApiError::NoRoute("api/x".into()).into_response(), Format::Problem).await;
        assert_eq!(content_type.as_deref(), Some("application/problem+json"));
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            body,
            json!({
                "type": "about:blank", "title": "Not Found", "status": 404,
                "detail": "No static resource api/x.", "instance": "urn:deed:request:r-1", "code": "no_such_resource",
                "requestId": "r-1", "errorCode": 32
            })
        );
    }

    #[tokio::test]
    async fn a_failed_claim_is_a_bare_word() {
        let claim = ApiError::ClaimFailed(Refusal::WrongKey.into()).into_response();
        let (status, content_type, body) = body_of(claim, Format::ThingsBoard).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!((content_type.as_deref(), body.as_str()), (Some("application/json"), "\"FAILURE\""));
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_told_in_a_bare_text() {
        let response = ApiError::PayloadTooLarge(7).into_response();
        let (status, content_type, body) = body_of(response, Format::ThingsBoard).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!((content_type, body.as_str()), (None, "\"Payload size exceeds the limit of 7 bytes\""));
    }

    #[tokio::test]
    async fn other_routers_hand_over_failures_and_faults() {
        let mut refused = StatusCode::CONFLICT.into_response();
        refused.extensions_mut().insert(Failure::from(Refusal::AlreadyClaimed));
        let (status, _, body) = body_of(refused, Format::ThingsBoard).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert!(body.contains("the device is already claimed") && body.contains("\"errorCode\":31"), "{body}");

        let mut bad = StatusCode::BAD_REQUEST.into_response();
        let fault: Arc<dyn Error + Send + Sync> = Arc::new(std::fmt::Error);
        bad.extensions_mut().insert(fault);
        let (status, _, body) = body_of(bad, Format::Problem).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body.contains("malformed_request"), "{body}");
    }

    #[tokio::test]
    async fn a_response_without_an_error_is_left_alone() {
        let (status, content_type, body) = body_of(StatusCode::UNAUTHORIZED.into_response(), Format::ThingsBoard).await;
        assert_eq!((status, content_type, body.as_str()), (StatusCode::UNAUTHORIZED, None, ""));
    }

    #[test]
    fn a_lock_says_how_long_in_whole_seconds() {
        let retry = |until| seconds(Retry::At(Timestamp(until)), Timestamp(1_000));
        assert_eq!([retry(900), retry(1_001), retry(2_000), retry(2_001), retry(61_000)], [1, 1, 1, 2, 60]);
    }
}
