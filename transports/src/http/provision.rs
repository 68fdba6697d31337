//! `POST /api/v1/provision`: a device adds itself, or fetches the credentials that were prepared for it.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use deed_domain::metadata::Transport;

use super::{DeviceHttp, body, failed, faulty, request_id};
use crate::device_protocol::{MAX_PROVISION_REQUEST, NotAnswered};

/// The answer is a text with JSON in it, and a 200 whatever became of a request that is understood.
pub(super) async fn provision(State(state): State<DeviceHttp>, headers: HeaderMap, body: Body) -> Response {
    let message = match body::read(body, MAX_PROVISION_REQUEST.min(state.max_body_bytes)).await {
        Ok(message) => message,
        Err(response) => return response,
    };
    match state.protocol.provision(Transport::Http, request_id(&headers), &message).await {
        Ok(reply) => ([(CONTENT_TYPE, "text/plain;charset=UTF-8")], reply.to_json()).into_response(),
        Err(NotAnswered::Request(error)) => faulty(StatusCode::BAD_REQUEST, error),
        Err(NotAnswered::NotStored(error)) => failed(error.into()),
    }
}
