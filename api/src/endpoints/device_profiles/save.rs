//! `POST /api/deviceProfile`: adds a device profile or saves one.

use axum::{Json, extract::State};
use deed_domain::{
    ids::ProfileId,
    ports::{Profile, ProfilesError},
};

use super::draft::{Draft, DraftBody};
use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::{JsonBody, JsonObject},
    state::{ApiState, Shared},
    wire::ProfileJson,
};

/// The type of a device is its profile's name, and stands in the device's history.
const IN_USE: &str = "Can't change the name or the transport type of a device profile that devices have!";

/// Add or save a device profile
///
/// Name and transport type of a profile that devices have cannot be changed. What a profile cannot do here, such as alarm
/// rules and firmware, is refused.
#[utoipa::path(
    post, path = "/api/deviceProfile", tag = "device profiles", security(("bearer" = []), ("x-authorization" = [])),
    request_body = DraftBody,
    responses(
        (status = 200, description = "The profile as it is now.", body = ProfileJson),
        (status = 400, description = "The request is malformed or breaks a rule: the name is taken or missing, devices have \
                                      the profile, a member is not supported."),
        (status = 404, description = "The tenant has no profile of that id."),
        (status = 409, description = "`errorCode` 35: somebody else saved the profile in between."),
    )
)]
pub(crate) async fn save_device_profile(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    JsonBody(body): JsonBody,
) -> Result<Json<ProfileJson>, ApiError> {
    let draft = Draft::read(&JsonObject::parse(&body)?)?;
    let is_default = match draft.id {
        Some(id) => super::find(&state, admin.tenant_id, id).await?.is_default,
        None => false,
    };
    if draft.is_default && !is_default {
        return Err(ApiError::invalid("Another default device profile is present in scope of current tenant!"));
    }
    let now = state.clock.now();
    let id = draft.id.unwrap_or_else(|| ProfileId(state.entropy.new_id(now)));
    let saved = match draft.id {
        Some(id) => state.profiles.save_profile(id, draft.version, draft.values).await,
        None => add(&state, Profile::new(id, admin.tenant_id, now, draft.values)).await,
    };
    saved.map(ProfileJson::from).map(Json).map_err(|error| match error {
        ProfilesError::InUse => ApiError::invalid(IN_USE),
        error => super::refused(id)(error),
    })
}

async fn add(state: &ApiState, profile: Profile) -> Result<Profile, ProfilesError> {
    state.profiles.add_profile(profile.clone()).await.map(|()| profile)
}
