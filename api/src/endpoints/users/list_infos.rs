//! `GET /api/userInfos/all`.

use axum::{Json, extract::State};

use crate::{
    authentication::{Only, UserLister},
    error::ApiError,
    extract::{PageParams, QueryParams, page_request},
    state::Shared,
    wire::{PageJson, UserInfoJson},
};

/// List users with their owners
///
/// As `/api/users`, but a tenant's administrator sees the customers' users only with `includeCustomers`.
#[utoipa::path(
    get, path = "/api/userInfos/all", tag = "users", security(("bearer" = []), ("x-authorization" = [])),
    params(
        PageParams,
        ("includeCustomers" = Option<bool>, Query, description = "Whether customers' users are in it; in any case of \
         letters. Without it, they are not."),
    ),
    responses(
        (status = 200, description = "A page of users.", body = PageJson<UserInfoJson>),
        (status = 400, description = "The query makes no page."),
    )
)]
pub(crate) async fn user_infos(
    State(state): State<Shared>,
    Only(UserLister(caller)): Only<UserLister>,
    query: QueryParams,
) -> Result<Json<PageJson<UserInfoJson>>, ApiError> {
    let with_customers = query.flag("includeCustomers")?.unwrap_or(false);
    let request = page_request(&query)?;
    let (page, size) = (request.page, request.page_size);
    let list = state.people.visible_users(&caller, with_customers, request).await?;
    Ok(Json(PageJson::new(page, size, list.map(UserInfoJson::from))))
}
