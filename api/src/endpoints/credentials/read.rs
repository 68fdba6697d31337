//! `GET /api/device/{deviceId}/credentials`.

use axum::{Json, extract::State};

use crate::{
    authentication::{DeviceUser, Only},
    endpoints::devices,
    error::ApiError,
    extract::PathParams,
    state::Shared,
    wire::CredentialsJson,
};

/// Read a device's credentials
///
/// For administrators, and for the owner's users: who owns a device may connect it.
#[utoipa::path(
    get, path = "/api/device/{deviceId}/credentials", tag = "devices",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceId" = uuid::Uuid, Path, description = "The device.")),
    responses(
        (status = 200, description = "The credentials.", body = CredentialsJson),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "The tenant has no such device."),
    )
)]
pub(crate) async fn device_credentials(
    State(state): State<Shared>,
    Only(user): Only<DeviceUser>,
    path: PathParams,
) -> Result<Json<CredentialsJson>, ApiError> {
    let row = devices::find(&state, user, path.id("deviceId")?).await?;
    super::current(&state, row.device_id).await.map(Json)
}
