//! `GET /api/openapi.json`.

use std::sync::LazyLock;

use axum::{body::Bytes, http::HeaderMap, response::Response};

use crate::{
    openapi::document,
    pages::{Asset, Policy},
};

static DOCUMENT: LazyLock<Asset> = LazyLock::new(|| {
    let text = Bytes::from(document().to_json().unwrap_or_default());
    Asset::new("application/json", text, Policy::Widget)
});

/// This document
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object))
)]
pub(crate) async fn openapi_document(headers: HeaderMap) -> Response {
    DOCUMENT.answer(&headers)
}
