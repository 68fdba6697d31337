//! `GET /api/tenant/info/{tenantId}`.

use axum::{Json, extract::State};

use super::TenantReader;
use crate::{authentication::Only, error::ApiError, extract::PathParams, state::Shared, wire::TenantInfoJson};

/// Read a tenant and its profile's name
#[utoipa::path(
    get, path = "/api/tenant/info/{tenantId}", tag = "tenants", security(("bearer" = []), ("x-authorization" = [])),
    params(("tenantId" = uuid::Uuid, Path, description = "The tenant.")),
    responses(
        (status = 200, description = "The tenant and its profile's name.", body = TenantInfoJson),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "There is no such tenant."),
    )
)]
pub(crate) async fn tenant_info(
    State(state): State<Shared>,
    Only(reader): Only<TenantReader>,
    path: PathParams,
) -> Result<Json<TenantInfoJson>, ApiError> {
    super::find(&state, reader, path.id("tenantId")?).await.map(TenantInfoJson::from).map(Json)
}
