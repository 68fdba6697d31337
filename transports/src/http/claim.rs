//! `POST /api/v1/{token}/claim`: the device registers a claim key.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use deed_domain::{ids::CommandId, metadata::Transport};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{DeviceHttp, failed, faulty, request_id};
use crate::device_protocol::{MAX_CLAIM_PAYLOAD, NotRegistered, count_registration};

/// The body is too large. The text is part of the protocol.
#[derive(Debug, thiserror::Error)]
#[error("Payload size exceeds the limit of {MAX_CLAIM_PAYLOAD} bytes")]
struct TooLarge;

/// The connection broke while the body was read.
#[derive(Debug, thiserror::Error)]
#[error("the request body could not be read")]
struct Unreadable;

/// The body did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the request body did not arrive in time")]
struct TooSlow;

/// The header names no command.
#[derive(Debug, thiserror::Error)]
#[error("Idempotency-Key must be one value of 1 to 255 visible ASCII characters")]
struct BadIdempotencyKey;

/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);

/// An empty 200 says that the key is active and stored. The token is checked before the body is read; the body is read
/// as bytes, whatever its Content-Type says.
pub(super) async fn register(
    State(state): State<DeviceHttp>,
    token: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let device = match state.authenticate(token).await {
        Ok(device) => device,
        Err(response) => {
            let outcome = if response.status() == StatusCode::UNAUTHORIZED { "unknown_token" } else { "not_stored" };
            count_registration(Transport::Http, outcome);
            return response;
        }
    };
    let payload = match read(body).await {
        Ok(payload) => payload,
        Err(response) => {
            let outcome = if response.status() == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "malformed" };
            count_registration(Transport::Http, outcome);
            return response;
        }
    };
    let Ok(key) = idempotency_key(&headers) else {
        count_registration(Transport::Http, "malformed");
        return faulty(StatusCode::BAD_REQUEST, BadIdempotencyKey);
    };
    let registered = state.protocol.register_claim(device, Transport::Http, request_id(&headers), key, &payload).await;
    match registered {
        Ok(_) => StatusCode::OK.into_response(),
        Err(refusal) if state.legacy_ack && refusal.is_refusal() => StatusCode::OK.into_response(),
        Err(NotRegistered::Payload(error)) => faulty(StatusCode::BAD_REQUEST, error),
        Err(NotRegistered::Failed(failure)) => failed(failure),
    }
}

async fn read(body: Body) -> Result<Bytes, Response> {
    let body = tokio::time::timeout(ARRIVAL, Limited::new(body, MAX_CLAIM_PAYLOAD).collect());
    match body.await {
        Err(_) => Err(faulty(StatusCode::REQUEST_TIMEOUT, TooSlow)),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(faulty(StatusCode::PAYLOAD_TOO_LARGE, TooLarge)),
        Ok(Err(_)) => Err(faulty(StatusCode::BAD_REQUEST, Unreadable)),
    }
}

/// The name that the device gave this command, if it gave one.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, BadIdempotencyKey> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| CommandId::is_key(key) && values.next().is_none());
    key.map(Some).ok_or(BadIdempotencyKey)
}
