//! `DELETE /api/customer/device/{deviceId}`.

use axum::{Json, extract::State};

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::{CommandContext, PathParams},
    state::Shared,
    wire::DeviceJson,
};

/// Take a device from its customer
///
/// Ownership returns to the tenant, and every key of the device ends.
#[utoipa::path(
    delete, path = "/api/customer/device/{deviceId}", tag = "devices",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("deviceId" = uuid::Uuid, Path, description = "The device."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    responses(
        (status = 200, description = "The device as it is now.", body = DeviceJson),
        (status = 400, description = "No customer owns the device, the id is no UUID, or a header is malformed."),
        (status = 404, description = "The tenant has no such device."),
        (status = 409, description = "Others kept changing the device at the same time; try again."),
    )
)]
pub(crate) async fn unassign_device(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    command: CommandContext,
    path: PathParams,
) -> Result<Json<DeviceJson>, ApiError> {
    let device_id = path.id("deviceId")?;
    let caller = command.caller(admin.user_id);
    let unassigned = state.claims.unassign(&caller, admin.tenant_id, device_id).await;
    super::left(&state, &unassigned.map_err(super::failure(device_id))?).await.map(Json)
}
