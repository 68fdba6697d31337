//! `GET /api/openapi.json`.

use std::sync::LazyLock;

use axum::{
    body::Bytes,
    http::{HeaderName, header},
};

use crate::openapi::document;

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document().to_json().unwrap_or_default()));

/// This document
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object))
)]
pub(crate) async fn openapi_document() -> ([(HeaderName, &'static str); 2], Bytes) {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    (headers, DOCUMENT.clone())
}
