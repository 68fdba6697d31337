//! `GET /api/users` and `GET /api/user/users`: the users whom the caller may see.

use axum::{Json, extract::State};

use crate::{
    authentication::{Only, UserLister},
    error::ApiError,
    extract::{PageParams, QueryParams, page_request},
    state::Shared,
    wire::{PageJson, UserJson},
};

/// List users
///
/// Those of the tenant, its customers' users included; for a customer's user, those of its customer. Auditors stand in no
/// list. The search looks at e-mail and names; sorted by `createdTime`, `email`, `firstName`, `lastName` or `authority`.
#[utoipa::path(
    get, path = "/api/users", tag = "users", security(("bearer" = []), ("x-authorization" = [])),
    params(PageParams),
    responses(
        (status = 200, description = "A page of users.", body = PageJson<UserJson>),
        (status = 400, description = "The query makes no page."),
    )
)]
pub(crate) async fn users(
    State(state): State<Shared>,
    Only(UserLister(caller)): Only<UserLister>,
    query: QueryParams,
) -> Result<Json<PageJson<UserJson>>, ApiError> {
    let request = page_request(&query)?;
    let (page, size) = (request.page, request.page_size);
    let list = state.people.visible_users(&caller, true, request).await?;
    Ok(Json(PageJson::new(page, size, list.map(super::row))))
}

/// List users, in another form of the path
#[utoipa::path(
    get, path = "/api/user/users", tag = "users", security(("bearer" = []), ("x-authorization" = [])),
    params(PageParams),
    responses(
        (status = 200, description = "A page of users, as `/api/users` gives it.", body = PageJson<UserJson>),
        (status = 400, description = "The query makes no page."),
    )
)]
pub(crate) async fn users_of_user(
    state: State<Shared>,
    lister: Only<UserLister>,
    query: QueryParams,
) -> Result<Json<PageJson<UserJson>>, ApiError> {
    users(state, lister, query).await
}
