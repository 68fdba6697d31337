//! `GET /api/device/info/{deviceId}`.

use axum::{Json, extract::State};

use crate::{
    authentication::{DeviceReader, Only},
    error::ApiError,
    extract::PathParams,
    state::Shared,
    wire::DeviceInfoJson,
};

/// Read a device and its owner's title
#[utoipa::path(
    get, path = "/api/device/info/{deviceId}", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceId" = uuid::Uuid, Path, description = "The device.")),
    responses(
        (status = 200, description = "The device and what people want to see beside it.", body = DeviceInfoJson),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "The tenant has no such device."),
    )
)]
pub(crate) async fn device_info(
    State(state): State<Shared>,
    Only(DeviceReader(user)): Only<DeviceReader>,
    path: PathParams,
) -> Result<Json<DeviceInfoJson>, ApiError> {
    let row = super::find(&state, user, path.id("deviceId")?).await?;
    let owner = match row.customer_id {
        Some(customer_id) => state.accounts.customer(customer_id).await?,
        None => None,
    };
    let device = super::complete(&state, row).await?;
    Ok(Json(DeviceInfoJson::new(device, owner.as_ref())))
}
