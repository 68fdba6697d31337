//! `GET /api/deviceProfileInfo/default` and `GET /api/deviceProfileInfo/{deviceProfileId}`.

use axum::{Json, extract::State};

use crate::{
    authentication::{DeviceUser, Only},
    error::ApiError,
    extract::PathParams,
    state::Shared,
    wire::ProfileInfoJson,
};

/// Read the default device profile, in short
///
/// The one of new devices that name none.
#[utoipa::path(
    get, path = "/api/deviceProfileInfo/default", tag = "device profiles",
    security(("bearer" = []), ("x-authorization" = [])),
    responses(
        (status = 200, description = "What people want to see of it.", body = ProfileInfoJson),
        (status = 404, description = "The tenant has no default profile."),
    )
)]
pub(crate) async fn default_device_profile_info(
    State(state): State<Shared>,
    Only(user): Only<DeviceUser>,
) -> Result<Json<ProfileInfoJson>, ApiError> {
    let found = state.profiles.default_of(user.tenant_id()).await?;
    let none = || ApiError::NotFound("Requested item wasn't found!".into());
    found.map(|profile| Json(profile.into())).ok_or_else(none)
}

/// Read a device profile, in short
#[utoipa::path(
    get, path = "/api/deviceProfileInfo/{deviceProfileId}", tag = "device profiles",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceProfileId" = uuid::Uuid, Path, description = "The profile.")),
    responses(
        (status = 200, description = "What people want to see of it.", body = ProfileInfoJson),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "The tenant has no profile of that id."),
    )
)]
pub(crate) async fn device_profile_info(
    State(state): State<Shared>,
    Only(user): Only<DeviceUser>,
    path: PathParams,
) -> Result<Json<ProfileInfoJson>, ApiError> {
    super::find(&state, user.tenant_id(), path.id("deviceProfileId")?).await.map(ProfileInfoJson::from).map(Json)
}
