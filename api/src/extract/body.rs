//! Request bodies: bytes, whatever the Content-Type says.

use std::{error::Error, time::Duration};

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, Request},
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

/// The request's body. It is the last thing that is read, so a caller without credentials learns of no limit.
pub(crate) struct RawBody(pub(crate) Bytes);

impl FromRequest<Shared> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, ApiError> {
        read(request, state.settings.max_body_bytes).await.map(Self)
    }
}

async fn read(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let body = tokio::time::timeout(ARRIVAL, to_bytes(request.into_body(), limit));
    match body.await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if error.source().is_some_and(|source| source.is::<LengthLimitError>()) => {
            Err(ApiError::PayloadTooLarge(limit))
        }
        Ok(Err(_)) => Err(ApiError::malformed("The request body could not be read")),
        Err(_) => Err(ApiError::BodyTimeout),
    }
}
