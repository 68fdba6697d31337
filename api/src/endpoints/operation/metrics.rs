//! `GET /metrics`.

use axum::{
    extract::State,
    http::{HeaderName, header},
};

use crate::state::Shared;

/// Metrics
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses((status = 200, description = "In Prometheus' text format.", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(state): State<Shared>) -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (state.metrics)())
}
