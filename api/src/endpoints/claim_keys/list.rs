//! `GET /api/devices/{deviceId}/claim-keys`.

use axum::{Json, extract::State};

use crate::{
    authentication::{DeviceUser, Only, TenantAdmin},
    endpoints::devices::find,
    error::ApiError,
    extract::PathParams,
    state::Shared,
    wire::ClaimKeyJson,
};

/// List the claim keys of a device
#[utoipa::path(
    get, path = "/api/devices/{deviceId}/claim-keys", tag = "claiming",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceId" = uuid::Uuid, Path, description = "The device.")),
    responses(
        (status = 200, description = "The keys that claim the device now or later, oldest first.", body = [ClaimKeyJson]),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "The tenant has no such device."),
    )
)]
pub(crate) async fn list_keys(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    path: PathParams,
) -> Result<Json<Vec<ClaimKeyJson>>, ApiError> {
    let device = find(&state, DeviceUser::Admin(admin), path.id("deviceId")?).await?;
    let now = state.clock.now();
    let keys = state.read_models.active_keys(device.device_id).await?;
    // The expiry of a key is recorded a little after it has come.
    Ok(Json(keys.into_iter().filter(|key| now <= key.expires_at).map(ClaimKeyJson::from).collect()))
}
