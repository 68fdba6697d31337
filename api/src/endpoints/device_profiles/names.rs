//! `GET /api/deviceProfile/names`.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use deed_domain::ports::{PageRequest, ProfileSort};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    authentication::{DeviceUser, Only},
    error::ApiError,
    extract::QueryParams,
    state::Shared,
    wire::EntityId,
};

/// What a device profile is called.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileNameJson {
    /// The profile.
    id: EntityId,
    /// Its name.
    #[schema(example = "default")]
    name: String,
}

/// List the names of the device profiles
#[utoipa::path(
    get, path = "/api/deviceProfile/names", tag = "device profiles",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("activeOnly" = Option<bool>, Query, description = "`true`: only of profiles that devices have.")),
    responses(
        (status = 200, description = "The tenant's profiles, by name.", body = Vec<ProfileNameJson>),
        (status = 400, description = "`activeOnly` is neither true nor false."),
    )
)]
pub(crate) async fn device_profile_names(
    State(state): State<Shared>,
    Only(user): Only<DeviceUser>,
    query: QueryParams,
) -> Result<Json<Vec<ProfileNameJson>>, ApiError> {
    let active_only = query.flag("activeOnly")?.unwrap_or(false);
    let tenant_id = user.tenant_id();
    let all =
        PageRequest { page: 0, page_size: u32::MAX, text_search: None, sort: ProfileSort::Name, descending: false };
    let mut profiles = state.profiles.profiles(tenant_id, None, all).await?.rows;
    if active_only {
        // The type of a device is its profile's name.
        let types: BTreeSet<_> = state.read_models.device_types(tenant_id).await?.into_iter().collect();
        profiles.retain(|profile| types.contains(&profile.name));
    }
    let json =
        profiles.into_iter().map(|profile| ProfileNameJson { id: EntityId::profile(profile.id), name: profile.name });
    Ok(Json(json.collect()))
}
