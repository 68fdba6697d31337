//! `POST /api/customer/{customerId}/device/{deviceId}`.

use axum::{Json, extract::State};

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::{CommandContext, PathParams},
    state::Shared,
    wire::DeviceJson,
};

/// Assign a device to a customer
///
/// The customer becomes the owner without a key, whoever owned the device before, and every key of the device ends. If it
/// is the owner already, nothing happens.
#[utoipa::path(
    post, path = "/api/customer/{customerId}/device/{deviceId}", tag = "devices",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("customerId" = uuid::Uuid, Path, description = "The customer."),
        ("deviceId" = uuid::Uuid, Path, description = "The device."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    responses(
        (status = 200, description = "The device as it is now.", body = DeviceJson),
        (status = 400, description = "An id is no UUID, or a header is malformed."),
        (status = 403, description = "The customer belongs to another tenant."),
        (status = 404, description = "There is no customer of that id, or the tenant has no such device."),
        (status = 409, description = "Others kept changing the device at the same time; try again."),
    )
)]
pub(crate) async fn assign_device(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    command: CommandContext,
    path: PathParams,
) -> Result<Json<DeviceJson>, ApiError> {
    let (customer_id, device_id) = (path.id("customerId")?, path.id("deviceId")?);
    let customer = super::customer(&state, admin, customer_id).await?;
    let caller = command.caller(admin.user_id);
    let assigned = state.claims.assign(&caller, admin.tenant_id, device_id, customer.id).await;
    super::left(&state, &assigned.map_err(super::failure(device_id))?).await.map(Json)
}
