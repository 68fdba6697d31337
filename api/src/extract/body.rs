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

/// The request's body. It is the last thing that is read, so a caller without credentials learns of no limit.
pub(crate) struct RawBody(pub(crate) Bytes);

impl FromRequest<Shared> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, ApiError> {
        let limit = state.settings.max_body_bytes;
        let body = tokio::time::timeout(ARRIVAL, to_bytes(request.into_body(), limit));
        match body.await {
            Ok(Ok(bytes)) => Ok(Self(bytes)),
            Ok(Err(error)) if error.source().is_some_and(|source| source.is::<LengthLimitError>()) => {
                Err(ApiError::PayloadTooLarge(limit))
            }
            Ok(Err(_)) => Err(ApiError::malformed("The request body could not be read")),
            Err(_) => Err(ApiError::BodyTimeout),
        }
    }
}
