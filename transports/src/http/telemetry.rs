//! `POST /api/v1/{token}/telemetry`: checked, acknowledged and dropped.

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{DeviceHttp, body, faulty};
use crate::device_protocol::check_telemetry;

/// An empty 200 says that it was understood, no more.
pub(super) async fn publish(
    State(state): State<DeviceHttp>,
    token: Result<Path<String>, PathRejection>,
    body: Body,
) -> Response {
    if let Err(response) = state.authenticate(token).await {
        return response;
    }
    match body::read(body, state.max_body_bytes).await {
        Ok(message) => match check_telemetry(&message) {
            Ok(()) => StatusCode::OK.into_response(),
            Err(error) => faulty(StatusCode::BAD_REQUEST, error),
        },
        Err(response) => response,
    }
}
