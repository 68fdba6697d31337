//! `GET /api/v1/{token}/claim`: the device asks how it stands with claiming it.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{DeviceHttp, failed, faulty, waiting};

/// Answers at once; with `timeout` when the state changes, at the latest after that time, or after the longest that
/// requests may wait, or when the service stops.
pub(super) async fn read(
    State(state): State<DeviceHttp>,
    token: Result<Path<String>, PathRejection>,
    parameters: Result<Query<waiting::Parameters>, QueryRejection>,
) -> Response {
    let device = match state.authenticate(token).await {
        Ok(device) => device,
        Err(response) => return response,
    };
    let patience = match waiting::patience(&state, parameters) {
        Ok(patience) => patience,
        Err(why) => return faulty(StatusCode::BAD_REQUEST, why),
    };
    let now = match patience {
        None => state.protocol.claim_state(device).await,
        Some(patience) => {
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
