//! `POST /api/customer/public/device/{deviceId}`.

use axum::{Json, extract::State};
use deed_domain::ids::CustomerId;

use crate::{
    authentication::{DeviceUser, Only, TenantAdmin},
    error::ApiError,
    extract::{CommandContext, PathParams},
    state::Shared,
    wire::DeviceJson,
};

/// Make a device public
///
/// Assigns it to the tenant's public customer, which is made if there is none, whoever owned the device before; every key
/// of the device ends. If it is public already, nothing happens.
#[utoipa::path(
    post, path = "/api/customer/public/device/{deviceId}", tag = "devices",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("deviceId" = uuid::Uuid, Path, description = "The device."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    responses(
        (status = 200, description = "The device as it is now.", body = DeviceJson),
        (status = 400, description = "The id is no UUID, a header is malformed, or the public customer is being deleted."),
        (status = 404, description = "The tenant has no such device."),
        (status = 409, description = "Others kept changing the device at the same time; try again."),
    )
)]
pub(crate) async fn make_device_public(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    command: CommandContext,
    path: PathParams,
) -> Result<Json<DeviceJson>, ApiError> {
    let device_id = path.id("deviceId")?;
    // Nobody becomes public for the sake of a device that is not there.
    super::find(&state, DeviceUser::Admin(admin), device_id).await?;
    let new_id = CustomerId(state.entropy.new_id(state.clock.now()));
    let public = state.accounts.public_customer(admin.tenant_id, new_id).await?;
    let caller = command.caller(admin.user_id);
    let assigned = state.claims.assign(&caller, admin.tenant_id, device_id, public.id).await;
    super::left(&state, &assigned.map_err(super::failure(device_id))?).await.map(Json)
}
