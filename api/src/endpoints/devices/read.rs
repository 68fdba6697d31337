//! `GET /api/device/{deviceId}`.

use axum::{Json, extract::State};

use crate::{
    authentication::{DeviceReader, Only},
    error::ApiError,
    extract::PathParams,
    state::Shared,
    wire::DeviceJson,
};

/// Read a device
#[utoipa::path(
    get, path = "/api/device/{deviceId}", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceId" = uuid::Uuid, Path, description = "The device.")),
    responses(
        (status = 200, description = "The device.", body = DeviceJson),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "The tenant has no such device."),
    )
)]
pub(crate) async fn device(
    State(state): State<Shared>,
    Only(DeviceReader(user)): Only<DeviceReader>,
    path: PathParams,
) -> Result<Json<DeviceJson>, ApiError> {
    let row = super::find(&state, user, path.id("deviceId")?).await?;
    super::complete(&state, row).await.map(Json)
}
