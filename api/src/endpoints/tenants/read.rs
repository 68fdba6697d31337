//! `GET /api/tenant/{tenantId}`.

use axum::{Json, extract::State};

use super::TenantReader;
use crate::{authentication::Only, error::ApiError, extract::PathParams, state::Shared, wire::TenantJson};

/// Read a tenant
///
/// Operators read every tenant, administrators their own.
#[utoipa::path(
    get, path = "/api/tenant/{tenantId}", tag = "tenants", security(("bearer" = []), ("x-authorization" = [])),
    params(("tenantId" = uuid::Uuid, Path, description = "The tenant.")),
    responses(
        (status = 200, description = "The tenant.", body = TenantJson),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "There is no such tenant."),
    )
)]
pub(crate) async fn tenant(
    State(state): State<Shared>,
    Only(reader): Only<TenantReader>,
    path: PathParams,
) -> Result<Json<TenantJson>, ApiError> {
    super::find(&state, reader, path.id("tenantId")?).await.map(TenantJson::from).map(Json)
}
