//! `GET /health/live` and `GET /health/ready`.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::Shared;

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How the service is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `up`, `ready`, `draining` or `store-unavailable`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// Does the process answer
#[utoipa::path(
    get, path = "/health/live", tag = "operation",
    responses((status = 200, description = "It does.", body = Health))
)]
pub(crate) async fn live() -> Json<Health> {
    Json(Health { status: "up" })
}

/// Does the service want requests
#[utoipa::path(
    get, path = "/health/ready", tag = "operation",
    responses(
        (status = 200, description = "The store answers.", body = Health),
        (status = 503, description = "The store does not answer, or the service is shutting down.", body = Health),
    )
)]
pub(crate) async fn ready(State(state): State<Shared>) -> (StatusCode, Json<Health>) {
    let (code, status) = if state.readiness.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else {
        match tokio::time::timeout(PATIENCE, state.feed.head()).await {
            Ok(Ok(_)) => (StatusCode::OK, "ready"),
            Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "store-unavailable"),
        }
    };
    (code, Json(Health { status }))
}
