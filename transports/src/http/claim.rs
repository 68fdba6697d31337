//! `POST /api/v1/{token}/claim`: the device registers a claim key.

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use deed_domain::{ids::CommandId, metadata::Transport};

use super::{DeviceHttp, body, failed, faulty, request_id};
use crate::device_protocol::{MAX_CLAIM_PAYLOAD, NotRegistered, count_registration, parse};

/// The header names no command.
#[derive(Debug, thiserror::Error)]
#[error("Idempotency-Key must be one value of 1 to 255 visible ASCII characters")]
struct BadIdempotencyKey;

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
            let outcome = match response.status() {
                StatusCode::UNAUTHORIZED => "unknown_token",
                StatusCode::TOO_MANY_REQUESTS => "too_many_requests",
                _ => "not_stored",
            };
            count_registration(Transport::Http, outcome);
            return response;
        }
    };
    let payload = match body::read(body, MAX_CLAIM_PAYLOAD).await {
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
    let payload = parse(&payload);
    let registered = state.protocol.register_claim(device, Transport::Http, request_id(&headers), key, payload).await;
    match registered {
        Ok(_) => StatusCode::OK.into_response(),
        Err(refusal) if state.legacy_ack && refusal.is_refusal() => StatusCode::OK.into_response(),
        Err(NotRegistered::Payload(error)) => faulty(StatusCode::BAD_REQUEST, error),
        Err(NotRegistered::Failed(failure)) => failed(failure),
    }
}

/// The name that the device gave this command, if it gave one.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, BadIdempotencyKey> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| CommandId::is_key(key) && values.next().is_none());
    key.map(Some).ok_or(BadIdempotencyKey)
}
