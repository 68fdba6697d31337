//! `GET /api/tenant/{tenantId}/users`.

use axum::{Json, extract::State};
use deed_domain::{ids::TenantId, ports::UsersOf};

use crate::{
    authentication::{Only, SysAdmin},
    error::ApiError,
    extract::{PageParams, PathParams, QueryParams, page_request},
    state::Shared,
    wire::{PageJson, UserJson},
};

/// List the administrators of a tenant
///
/// For operators. A tenant that does not exist has none.
#[utoipa::path(
    get, path = "/api/tenant/{tenantId}/users", tag = "users", security(("bearer" = []), ("x-authorization" = [])),
    params(("tenantId" = uuid::Uuid, Path, description = "The tenant."), PageParams),
    responses(
        (status = 200, description = "A page of users.", body = PageJson<UserJson>),
        (status = 400, description = "The id is no UUID, or the query makes no page."),
    )
)]
pub(crate) async fn administrators_of_tenant(
    State(state): State<Shared>,
    _: Only<SysAdmin>,
    path: PathParams,
    query: QueryParams,
) -> Result<Json<PageJson<UserJson>>, ApiError> {
    let id: TenantId = path.id("tenantId")?;
    let request = page_request(&query)?;
    let (page, size) = (request.page, request.page_size);
    let list = state.accounts.users(UsersOf::TenantAlone(id), request).await?;
    Ok(Json(PageJson::new(page, size, list.map(super::row))))
}
