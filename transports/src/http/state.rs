//! `GET /api/v1/{token}/claim`: the device asks how it stands with claiming it.

use std::time::Duration;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{DeviceHttp, failed, faulty};

/// The longest time for which an answer is held back, milliseconds.
const LONGEST_WAIT_MS: u64 = 60_000;

#[derive(Deserialize)]
pub(super) struct Parameters {
    /// Milliseconds to wait for a change.
    timeout: Option<u64>,
}

/// The query cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("timeout must be a number of milliseconds")]
struct BadTimeout;

/// Answers at once; with `timeout` when the state changes, at the latest after that time, or after a minute, or when
/// the service stops.
pub(super) async fn read(
    State(state): State<DeviceHttp>,
    token: Result<Path<String>, PathRejection>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Response {
    let device = match state.authenticate(token).await {
        Ok(device) => device,
        Err(response) => return response,
    };
    let Ok(Query(Parameters { timeout })) = parameters else { return faulty(StatusCode::BAD_REQUEST, BadTimeout) };
    let now = match timeout {
        None | Some(0) => state.protocol.claim_state(device).await,
        Some(timeout) => {
            let patience = Duration::from_millis(timeout.min(LONGEST_WAIT_MS));
            tokio::select! {
                changed = state.protocol.claim_state_changed(device, patience) => changed,
                () = state.stopping.cancelled() => state.protocol.claim_state(device).await,
            }
        }
    };
    match now {
        Ok(now) => Json(now).into_response(),
        Err(failure) => failed(failure),
    }
}
