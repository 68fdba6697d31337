//! Request bodies: bytes, some of which have to be announced as JSON.

use std::{error::Error, time::Duration};

use axum::{
    body::{Bytes, HttpBody, to_bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use http_body_util::LengthLimitError;

use crate::{error::ApiError, state::Shared};

/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);

/// Most bytes of a body that a caller without credentials may send, whatever the configured limit: nobody needs more to
/// sign in.
const SMALL: usize = 65_536;

/// A body of a route that needs no credentials; see [`RawBody`].
pub(crate) struct SmallBody(pub(crate) Bytes);

impl FromRequest<Shared> for SmallBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, ApiError> {
        read(request, state.settings.max_body_bytes.min(SMALL)).await.map(Self)
    }
}

/// A body whose `Content-Type` has to be JSON's; see [`RawBody`] (`docs/protocol.md`, errors).
pub(crate) struct JsonBody(pub(crate) Bytes);

impl FromRequest<Shared> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::malformed("Content-Type must be application/json"));
        }
        read(request, state.settings.max_body_bytes).await.map(Self)
    }
}

/// The request's body, whatever its `Content-Type`. It is the last thing that is read, so a caller without credentials learns of no limit.
pub(crate) struct RawBody(pub(crate) Bytes);

impl FromRequest<Shared> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, ApiError> {
        read(request, state.settings.max_body_bytes).await.map(Self)
    }
}

/// Whether the body is announced as `application/json` or as a format that is made of it; parameters mean nothing.
fn is_json(headers: &HeaderMap) -> bool {
    let announced = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = announced.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = media_type.strip_prefix("application/");
    subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

async fn read(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let body = request.into_body();
    if body.size_hint().lower() > limit as u64 {
        // It is announced: nobody has to wait for it.
        return Err(ApiError::PayloadTooLarge(limit));
    }
    match tokio::time::timeout(ARRIVAL, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if error.source().is_some_and(|source| source.is::<LengthLimitError>()) => {
            Err(ApiError::PayloadTooLarge(limit))
        }
        Ok(Err(_)) => Err(ApiError::malformed("The request body could not be read")),
        Err(_) => Err(ApiError::BodyTimeout),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn json_is_told_by_its_media_type() {
        let announced = |value: &str| {
            is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_str(value).unwrap())]))
        };
        for json in
            ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/merge-patch+json"]
        {
            assert!(announced(json), "{json}");
        }
        for other in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json", "json"] {
            assert!(!announced(other), "{other}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
