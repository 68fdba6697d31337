//! `DELETE /api/deviceProfile/{deviceProfileId}`.

use axum::extract::State;

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::PathParams,
    state::Shared,
};

/// Delete a device profile
///
/// Unless devices have it, or it is the default.
#[utoipa::path(
    delete, path = "/api/deviceProfile/{deviceProfileId}", tag = "device profiles",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceProfileId" = uuid::Uuid, Path, description = "The profile.")),
    responses(
        (status = 200, description = "The profile is deleted."),
        (status = 400, description = "The id is no UUID, devices have the profile, or it is the default."),
        (status = 404, description = "The tenant has no profile of that id."),
    )
)]
pub(crate) async fn delete_device_profile(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    path: PathParams,
) -> Result<(), ApiError> {
    let id = path.id("deviceProfileId")?;
    super::find(&state, admin.tenant_id, id).await?;
    state.profiles.delete_profile(id).await.map_err(super::refused(id))
}
