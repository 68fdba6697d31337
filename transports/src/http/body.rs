//! Bodies of requests: bytes, whatever the Content-Type says.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody},
    http::StatusCode,
    response::Response,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::faulty;

/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);

/// The body is too large. The text is part of the protocol.
#[derive(Debug, thiserror::Error)]
#[error("Payload size exceeds the limit of {0} bytes")]
struct TooLarge(usize);

/// The connection broke while the body was read.
#[derive(Debug, thiserror::Error)]
#[error("the request body could not be read")]
struct Unreadable;

/// The body did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the request body did not arrive in time")]
struct TooSlow;

/// The body, or the answer to one that has more than `limit` bytes or does not arrive.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, Response> {
    if body.size_hint().lower() > limit as u64 {
        // It is announced: nobody has to wait for it.
        return Err(faulty(StatusCode::PAYLOAD_TOO_LARGE, TooLarge(limit)));
    }
    match tokio::time::timeout(ARRIVAL, Limited::new(body, limit).collect()).await {
        Err(_) => Err(faulty(StatusCode::REQUEST_TIMEOUT, TooSlow)),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(faulty(StatusCode::PAYLOAD_TOO_LARGE, TooLarge(limit))),
        Ok(Err(_)) => Err(faulty(StatusCode::BAD_REQUEST, Unreadable)),
    }
}
