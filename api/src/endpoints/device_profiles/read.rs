//! `GET /api/deviceProfile/{deviceProfileId}`.

use axum::{Json, extract::State};

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::PathParams,
    state::Shared,
    wire::ProfileJson,
};

/// Read a device profile
#[utoipa::path(
    get, path = "/api/deviceProfile/{deviceProfileId}", tag = "device profiles",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceProfileId" = uuid::Uuid, Path, description = "The profile.")),
    responses(
        (status = 200, description = "The profile.", body = ProfileJson),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "The tenant has no profile of that id."),
    )
)]
pub(crate) async fn device_profile(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    path: PathParams,
) -> Result<Json<ProfileJson>, ApiError> {
    super::find(&state, admin.tenant_id, path.id("deviceProfileId")?).await.map(ProfileJson::from).map(Json)
}
