//! `POST /api/deviceProfile/{deviceProfileId}/default`.

use axum::{Json, extract::State};

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::PathParams,
    state::Shared,
    wire::ProfileJson,
};

/// Make a device profile the default
///
/// New devices that name no profile have it from now on; those that there are keep theirs.
#[utoipa::path(
    post, path = "/api/deviceProfile/{deviceProfileId}/default", tag = "device profiles",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceProfileId" = uuid::Uuid, Path, description = "The profile.")),
    responses(
        (status = 200, description = "The profile as it is now.", body = ProfileJson),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "The tenant has no profile of that id."),
    )
)]
pub(crate) async fn make_device_profile_default(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    path: PathParams,
) -> Result<Json<ProfileJson>, ApiError> {
    let id = path.id("deviceProfileId")?;
    super::find(&state, admin.tenant_id, id).await?;
    state.profiles.make_default(id).await.map(ProfileJson::from).map(Json).map_err(super::refused(id))
}
