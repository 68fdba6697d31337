//! `DELETE /api/devices/{deviceId}/claim-keys/{keyId}`.

use axum::{extract::State, http::StatusCode};
use deed_domain::ports::DeviceIdentity;

use crate::{
    authentication::{Only, TenantAdmin},
    endpoints::devices::failure,
    error::ApiError,
    extract::{CommandContext, PathParams},
    state::Shared,
};

/// Take a claim key back
///
/// Any key of the device, also the device's own and the one in `claimingData`.
#[utoipa::path(
    delete, path = "/api/devices/{deviceId}/claim-keys/{keyId}", tag = "claiming",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("deviceId" = uuid::Uuid, Path, description = "The device."),
        ("keyId" = uuid::Uuid, Path, description = "The key."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    responses(
        (status = 204, description = "The key no longer works."),
        (status = 400, description = "An id is no UUID."),
        (status = 404, description = "The tenant has no such device, or the device no such key."),
    )
)]
pub(crate) async fn revoke_key(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    command: CommandContext,
    path: PathParams,
) -> Result<StatusCode, ApiError> {
    let id = path.id("deviceId")?;
    let key_id = path.id("keyId")?;
    let caller = command.caller(admin.user_id);
    let device = DeviceIdentity::new(admin.tenant_id, id);
    state.claims.revoke_key(&caller, device, key_id).await.map_err(failure(id))?;
    Ok(StatusCode::NO_CONTENT)
}
