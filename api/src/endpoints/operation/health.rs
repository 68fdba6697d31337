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
        (status = 200, description = "The store answers, and the last command that it was given could be written.", body = Health),
        (status = 503, description = "The store does not answer or cannot write, or the service is shutting down.", body = Health),
    )
)]
pub(crate) async fn ready(State(state): State<Shared>) -> (StatusCode, Json<Health>) {
    let (code, status) = if state.readiness.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else {
        let check = async { state.feed.head().await.and(state.claims.check_ready().await) };
        match tokio::time::timeout(PATIENCE, check).await {
            Ok(Ok(())) => (StatusCode::OK, "ready"),
            Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "store-unavailable"),
        }
    };
    (code, Json(Health { status }))
}
