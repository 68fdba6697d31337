//! `GET /api/deviceProfiles`.

use axum::{Json, extract::State};
use deed_domain::ports::{PageRequest, ProfileSort};

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::{PageParams, QueryParams, page_request},
    state::Shared,
    wire::{PageJson, ProfileJson},
};

/// List the device profiles
///
/// The search looks at the name; sorted by `createdTime`, `name`, `type`, `transportType`, `description` or `isDefault`.
#[utoipa::path(
    get, path = "/api/deviceProfiles", tag = "device profiles", security(("bearer" = []), ("x-authorization" = [])),
    params(PageParams),
    responses(
        (status = 200, description = "A page of the tenant's profiles.", body = PageJson<ProfileJson>),
        (status = 400, description = "The query makes no page."),
    )
)]
pub(crate) async fn device_profiles(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    query: QueryParams,
) -> Result<Json<PageJson<ProfileJson>>, ApiError> {
    let request: PageRequest<ProfileSort> = page_request(&query)?;
    let (page, size) = (request.page, request.page_size);
    let list = state.profiles.profiles(admin.tenant_id, None, request).await?;
    Ok(Json(PageJson::new(page, size, list.map(ProfileJson::from))))
}
