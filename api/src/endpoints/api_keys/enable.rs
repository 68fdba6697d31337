//! `PUT /api/apiKey/{apiKeyId}/enabled/{enabled}`.

use axum::{Json, extract::State};

use super::{ApiKeyJson, find, no_key};
use crate::{
    authentication::{Only, Person},
    error::ApiError,
    extract::PathParams,
    state::Shared,
};

/// Switch an API key on or off
#[utoipa::path(
    put, path = "/api/apiKey/{apiKeyId}/enabled/{enabled}", tag = "api keys",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("apiKeyId" = uuid::Uuid, Path, description = "The key."),
        ("enabled" = bool, Path, description = "Whether it may be used from now on."),
    ),
    responses(
        (status = 200, description = "The key as it is now.", body = ApiKeyJson),
        (status = 400, description = "The id is no UUID, or the flag is neither `true` nor `false`."),
        (status = 404, description = "There is no such key."),
    )
)]
pub(crate) async fn enable_api_key(
    State(state): State<Shared>,
    Only(Person(caller)): Only<Person>,
    path: PathParams,
) -> Result<Json<ApiKeyJson>, ApiError> {
    let enabled = match path.text("enabled")? {
        text if text.eq_ignore_ascii_case("true") => true,
        text if text.eq_ignore_ascii_case("false") => false,
        _ => return Err(ApiError::malformed("The path must end with true or false")),
    };
    let (mut key, user) = find(&state, &caller, path.id("apiKeyId")?).await?;
    key.enabled = enabled;
    if !state.accounts.save_api_key(key.clone()).await? {
        return Err(no_key(key.id));
    }
    Ok(Json(ApiKeyJson::new(key, &user, state.clock.now(), None)))
}
