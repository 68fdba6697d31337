//! `POST /api/v1/{token}/claim`: the device registers a claim key.

use axum::{
    body::{Body, Bytes},
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use deed_domain::metadata::Transport;
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
    let registered = state.protocol.register_claim(device, Transport::Http, request_id(&headers), &payload).await;
    match registered {
        Ok(_) => StatusCode::OK.into_response(),
        Err(refusal) if state.legacy_ack && refusal.is_refusal() => StatusCode::OK.into_response(),
        Err(NotRegistered::Payload(error)) => faulty(StatusCode::BAD_REQUEST, error),
        Err(NotRegistered::Failed(failure)) => failed(failure),
    }
}

async fn read(body: Body) -> Result<Bytes, Response> {
    match Limited::new(body, MAX_CLAIM_PAYLOAD).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(faulty(StatusCode::PAYLOAD_TOO_LARGE, TooLarge)),
        Err(_) => Err(faulty(StatusCode::BAD_REQUEST, Unreadable)),
    }
}
