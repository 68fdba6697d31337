//! The device API over HTTP: the routes under `/api/v1`.
//!
//! The router is merged inside the REST API's outer layers, which give every request an `x-request-id`, and write the
//! bodies of errors: a handler here sets the status and attaches the typed failure, or the fault, to an empty response
//! (`docs/protocol.md`, errors).

mod attributes;
mod body;
mod claim;
mod methods;
mod provision;
mod rpc;
mod state;
mod telemetry;
mod waiting;

use std::{borrow::Cow, error::Error, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use deed_domain::{
    claims::Failure,
    device::Refusal,
    ports::{DeviceIdentity, DeviceToken, TooMany},
};
use tokio_util::sync::CancellationToken;

use self::methods::{read_and_post, read_only};
use crate::device_protocol::DeviceProtocol;

/// What the device API over HTTP needs.
#[derive(Clone)]
pub struct DeviceHttp {
    /// Answers devices.
    pub protocol: DeviceProtocol,
    /// Whether a refused registration is acknowledged all the same, as old firmware may rely on.
    pub legacy_ack: bool,
    /// Most bytes of a device's attributes and telemetry.
    pub max_body_bytes: usize,
    /// Most bytes of what a device asks or answers.
    pub max_rpc_bytes: usize,
    /// How long a request may wait that waits.
    pub longest_wait: Duration,
    /// Cancelled when the service stops: requests that only wait are answered then.
    pub stopping: CancellationToken,
}

/// The routes, without a fallback.
pub fn router(state: DeviceHttp) -> Router {
    Router::new()
        .route("/api/v1/{token}/claim", read_and_post(state::read, claim::register))
        .route("/api/v1/{token}/attributes", read_and_post(attributes::read, attributes::publish))
        .route("/api/v1/{token}/attributes/updates", read_only(attributes::updates))
        .route("/api/v1/{token}/telemetry", post(telemetry::publish))
        .route("/api/v1/{token}/rpc", read_and_post(rpc::wait, rpc::ask))
        .route("/api/v1/{token}/rpc/{requestId}", post(rpc::reply))
        .route("/api/v1/provision", post(provision::provision))
        .with_state(state)
}

impl DeviceHttp {
    /// The device whose token stands in the path; otherwise the answer to give: empty for an unknown token, whatever
    /// else is wrong with the request, and empty for a device that has sent too much.
    async fn authenticate(&self, token: Result<Path<String>, PathRejection>) -> Result<DeviceIdentity, Response> {
        let device = self.identify(token.map(|Path(token)| DeviceToken::new(token)).ok()).await?;
        self.protocol.admit(device).map(|()| device).map_err(throttled)
    }

    /// The same, and it does not count as sent.
    async fn identify(&self, token: Option<DeviceToken>) -> Result<DeviceIdentity, Response> {
        let Some(token) = token else { return Err(StatusCode::UNAUTHORIZED.into_response()) };
        match self.protocol.identify(&token).await {
            Ok(Some(device)) => Ok(device),
            Ok(None) => Err(StatusCode::UNAUTHORIZED.into_response()),
            Err(failure) => Err(failed(failure)),
        }
    }
}

/// The request's id, as the outer layer has set it.
fn request_id(headers: &HeaderMap) -> Cow<'static, str> {
    let id = headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    Cow::Owned(id.to_owned())
}

/// The answer to a device that has sent as much as it may.
fn throttled(too_many: TooMany) -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, too_many.seconds().to_string())]).into_response()
}

/// The answer to a failure of a use case.
fn failed(failure: Failure) -> Response {
    let status = match &failure {
        Failure::Refused(Refusal::AlreadyClaimed | Refusal::VersionConflict) => StatusCode::CONFLICT,
        // Deleted after it was authenticated: from here on its token is unknown.
        Failure::Refused(Refusal::DeviceNotFound) => return StatusCode::UNAUTHORIZED.into_response(),
        Failure::Refused(_) => StatusCode::FORBIDDEN,
        Failure::NotAppended(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = status.into_response();
    response.extensions_mut().insert(failure);
    response
}

/// The answer to a request that is at fault itself. What the fault says is shown to the device.
pub(crate) fn faulty(status: StatusCode, fault: impl Error + Send + Sync + 'static) -> Response {
    let fault: Arc<dyn Error + Send + Sync> = Arc::new(fault);
    let mut response = status.into_response();
    response.extensions_mut().insert(fault);
    response
}
