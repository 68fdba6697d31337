//! `GET /api/system/info`.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::authentication::SignedIn;

/// What is running here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SystemInfo {
    /// The version of the service.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// Always `deed`.
    #[schema(example = "deed")]
    artifact: &'static str,
    /// Always `deed`.
    #[schema(example = "deed")]
    name: &'static str,
    /// Always `CE`: the edition whose clients are served first.
    #[serde(rename = "type")]
    #[schema(example = "CE")]
    edition: &'static str,
}

/// What is running
#[utoipa::path(
    get, path = "/api/system/info", tag = "operation", security(("bearer" = []), ("x-authorization" = [])),
    responses((status = 200, description = "Name and version.", body = SystemInfo))
)]
pub(crate) async fn system_info(_: SignedIn) -> Json<SystemInfo> {
    Json(SystemInfo { version: env!("CARGO_PKG_VERSION"), artifact: "deed", name: "deed", edition: "CE" })
}
