//! `/api/v1/{token}/rpc`: SDKs ask there and wait there, so they are answered; nobody asks anything of a device.

use axum::{
    Json,
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{DeviceHttp, body, faulty, waiting};

/// `GET`: waits for a request to the device. None comes, which an empty 408 says when the time is over.
pub(super) async fn wait(
    State(state): State<DeviceHttp>,
    token: Result<Path<String>, PathRejection>,
    parameters: Result<Query<waiting::Parameters>, QueryRejection>,
) -> Response {
    if let Err(response) = state.authenticate(token).await {
        return response;
    }
    let patience = match waiting::patience(&state, parameters) {
        Ok(patience) => patience.unwrap_or(state.longest_wait),
        Err(why) => return faulty(StatusCode::BAD_REQUEST, why),
    };
    tokio::select! {
        () = tokio::time::sleep(patience) => {}
        () = state.stopping.cancelled() => {}
    }
    StatusCode::REQUEST_TIMEOUT.into_response()
}

/// `POST`: a request of the device, answered at once.
pub(super) async fn ask(
    State(state): State<DeviceHttp>,
    token: Result<Path<String>, PathRejection>,
    body: Body,
) -> Response {
    if let Err(response) = state.authenticate(token).await {
        return response;
    }
    match body::read(body, state.max_rpc_bytes).await {
        Ok(message) => match state.protocol.answer(&message, state.max_body_bytes) {
            Ok(answer) => Json(answer).into_response(),
            Err(error) => faulty(StatusCode::BAD_REQUEST, error),
        },
        Err(response) => response,
    }
}

/// `POST …/{id}`: the device's answer to a request that nobody made. Read and dropped.
pub(super) async fn reply(
    State(state): State<DeviceHttp>,
    path: Result<Path<(String, String)>, PathRejection>,
    body: Body,
) -> Response {
    if let Err(response) = state.authenticate(path.map(|Path((token, _))| Path(token))).await {
        return response;
    }
    match body::read(body, state.max_rpc_bytes).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(response) => response,
    }
}
