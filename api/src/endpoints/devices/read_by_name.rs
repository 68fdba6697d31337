//! `GET /api/tenant/devices?deviceName=` and `GET /api/tenant/device?deviceName=`: the same under two names, as clients
//! know either.

use axum::{Json, extract::State};
use deed_domain::device::Refusal;

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::QueryParams,
    state::Shared,
    wire::DeviceJson,
};

/// Find a device by its name
#[utoipa::path(
    get, path = "/api/tenant/devices", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceName" = String, Query, description = "The exact name.")),
    responses(
        (status = 200, description = "The one device of that name.", body = DeviceJson),
        (status = 400, description = "No name is given."),
        (status = 404, description = "The tenant has no device of that name."),
    )
)]
pub(crate) async fn device_by_name(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    query: QueryParams,
) -> Result<Json<DeviceJson>, ApiError> {
    let name =
        query.text("deviceName").ok_or_else(|| ApiError::malformed("Query parameter 'deviceName' is missing"))?;
    let row = state.read_models.device_named(admin.tenant_id, name).await?;
    let row = row.ok_or(ApiError::Failed(Refusal::DeviceNotFound.into()))?;
    super::complete(&state, row).await.map(Json)
}

/// Find a device by its name, second form
#[utoipa::path(
    get, path = "/api/tenant/device", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceName" = String, Query, description = "The exact name.")),
    responses(
        (status = 200, description = "The one device of that name.", body = DeviceJson),
        (status = 400, description = "No name is given."),
        (status = 404, description = "The tenant has no device of that name."),
    )
)]
pub(crate) async fn device_by_name_also(
    state: State<Shared>,
    admin: Only<TenantAdmin>,
    query: QueryParams,
) -> Result<Json<DeviceJson>, ApiError> {
    device_by_name(state, admin, query).await
}
