//! `DELETE /api/device/{deviceId}`.

use axum::extract::State;

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::{CommandContext, PathParams},
    state::Shared,
};

/// Delete a device
///
/// Its credentials, attributes and keys go with it. Its history stays and can be read by its id.
#[utoipa::path(
    delete, path = "/api/device/{deviceId}", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("deviceId" = uuid::Uuid, Path, description = "The device."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    responses(
        (status = 200, description = "The device is deleted."),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "The tenant has no such device."),
    )
)]
pub(crate) async fn delete_device(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    command: CommandContext,
    path: PathParams,
) -> Result<(), ApiError> {
    let id = path.id("deviceId")?;
    let caller = command.caller(admin.user_id);
    state.claims.remove(&caller, admin.tenant_id, id).await.map_err(super::failure(id))?;
    Ok(())
}
