//! `GET /api/apiKeys/{userId}`.

use axum::{Json, extract::State};
use deed_domain::ports::ApiKeySort;

use super::{ApiKeyJson, owner};
use crate::{
    authentication::{Only, Person},
    error::ApiError,
    extract::{PathParams, QueryParams, SortProperty, page_request},
    state::Shared,
    wire::PageJson,
};

impl SortProperty for ApiKeySort {
    const CREATION: Self = Self::Creation;

    fn named(name: &str) -> Option<Self> {
        match name {
            "createdTime" => Some(Self::Creation),
            "description" => Some(Self::Description),
            "expirationTime" => Some(Self::Expiry),
            "enabled" => Some(Self::Enabled),
            _ => None,
        }
    }
}

/// List a user's API keys
#[utoipa::path(
    get, path = "/api/apiKeys/{userId}", tag = "api keys", security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("userId" = uuid::Uuid, Path, description = "The user."),
        ("pageSize" = u32, Query, description = "Rows on a page.", minimum = 1),
        ("page" = u32, Query, description = "Which page, from 0."),
        ("textSearch" = Option<String>, Query, description = "Part of the description."),
        ("sortProperty" = Option<String>, Query, description = "`createdTime`, `description`, `expirationTime` or `enabled`."),
        ("sortOrder" = Option<String>, Query, description = "`ASC` or `DESC`."),
    ),
    responses(
        (status = 200, description = "The keys, without their values.", body = PageJson<ApiKeyJson>),
        (status = 400, description = "A parameter is malformed."),
        (status = 404, description = "There is no such user."),
    )
)]
pub(crate) async fn list_api_keys(
    State(state): State<Shared>,
    Only(Person(caller)): Only<Person>,
    path: PathParams,
    query: QueryParams,
) -> Result<Json<PageJson<ApiKeyJson>>, ApiError> {
    let user_id = path.id("userId")?;
    let request = page_request(&query)?;
    let user = owner(&state, &caller, user_id).await?;
    let (page, page_size) = (request.page, request.page_size);
    let keys = state.accounts.api_keys_of(user_id, request).await?;
    let now = state.clock.now();
    Ok(Json(PageJson::new(page, page_size, keys.map(|key| ApiKeyJson::new(key, &user, now, None)))))
}
