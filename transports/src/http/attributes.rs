//! `/api/v1/{token}/attributes`: a device's own attributes, and those that people share with it.

use axum::{
    Json,
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use deed_domain::{metadata::Transport, ports::DeviceToken};
use serde::Deserialize;

use super::{DeviceHttp, body, failed, faulty, request_id, waiting};
use crate::device_protocol::{MessageError, NotPublished, Wanted};

/// The query of a read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Keys {
    /// Keys of the device's own attributes, separated by commas.
    client_keys: Option<String>,
    /// Keys of those that people share with it.
    shared_keys: Option<String>,
}

/// The query cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("clientKeys and sharedKeys must be keys, separated by commas, once each")]
struct BadKeys;

/// `GET`: the attributes of those keys, or all; the server's are never told.
pub(super) async fn read(
    State(state): State<DeviceHttp>,
    token: Result<Path<String>, PathRejection>,
    keys: Result<Query<Keys>, QueryRejection>,
) -> Response {
    let device = match state.authenticate(token).await {
        Ok(device) => device,
        Err(response) => return response,
    };
    let Ok(Query(keys)) = keys else { return faulty(StatusCode::BAD_REQUEST, BadKeys) };
    let wanted = Wanted { client: split(keys.client_keys), shared: split(keys.shared_keys) };
    match state.protocol.attributes(device, &wanted).await {
        Ok(found) => Json(found).into_response(),
        Err(failure) => failed(failure),
    }
}

fn split(keys: Option<String>) -> Vec<String> {
    keys.iter().flat_map(|keys| keys.split(',')).filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

/// `POST`: stores attributes of the device's own. An empty 200 says that they are durable.
pub(super) async fn publish(
    State(state): State<DeviceHttp>,
    token: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let device = match state.authenticate(token).await {
        Ok(device) => device,
        Err(response) => return response,
    };
    let message = match body::read(body, state.max_body_bytes).await {
        Ok(message) if message.is_empty() => return faulty(StatusCode::BAD_REQUEST, MessageError::Missing),
        Ok(message) => message,
        Err(response) => return response,
    };
    let published = state.protocol.publish_attributes(device, Transport::Http, request_id(&headers), &message);
    match published.await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(NotPublished::Invalid(why)) => faulty(StatusCode::BAD_REQUEST, why),
        Err(NotPublished::Failed(failure)) => failed(failure),
    }
}

/// `GET …/updates`: the shared attributes that change while the request waits; an empty 408 if none does.
pub(super) async fn updates(
    State(state): State<DeviceHttp>,
    token: Result<Path<String>, PathRejection>,
    parameters: Result<Query<waiting::Parameters>, QueryRejection>,
) -> Response {
    let shown = token.as_ref().map(|Path(token)| DeviceToken::new(token.clone())).ok();
    let device = match state.authenticate(token).await {
        Ok(device) => device,
        Err(response) => return response,
    };
    let patience = match waiting::patience(&state, parameters) {
        Ok(patience) => patience.unwrap_or(state.longest_wait),
        Err(why) => return faulty(StatusCode::BAD_REQUEST, why),
    };
    let changed = tokio::select! {
        changed = state.protocol.shared_attributes_changed(device, patience) => changed,
        () = state.stopping.cancelled() => Ok(None),
    };
    match changed {
        // The token may have been replaced while the request waited.
        Ok(Some(changed)) => match state.identify(shown).await {
            Ok(found) if found == device => Json(changed).into_response(),
            Ok(_) => StatusCode::UNAUTHORIZED.into_response(),
            Err(response) => response,
        },
        Ok(None) => StatusCode::REQUEST_TIMEOUT.into_response(),
        Err(failure) => failed(failure),
    }
}
