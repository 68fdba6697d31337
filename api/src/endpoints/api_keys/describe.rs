//! `PUT /api/apiKey/{apiKeyId}/description`.

use axum::{Json, extract::State};

use super::{ApiKeyJson, check_description, find, no_key};
use crate::{
    authentication::{Only, Person},
    error::ApiError,
    extract::{PathParams, SmallBody},
    state::Shared,
};

/// Describe an API key
///
/// The body is the text itself, or a JSON string of it.
#[utoipa::path(
    put, path = "/api/apiKey/{apiKeyId}/description", tag = "api keys",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("apiKeyId" = uuid::Uuid, Path, description = "The key.")),
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 200, description = "The key as it is now.", body = ApiKeyJson),
        (status = 400, description = "The text is missing, too long or no plain text, or the id is no UUID."),
        (status = 404, description = "There is no such key."),
    )
)]
pub(crate) async fn describe_api_key(
    State(state): State<Shared>,
    Only(Person(caller)): Only<Person>,
    path: PathParams,
    SmallBody(body): SmallBody,
) -> Result<Json<ApiKeyJson>, ApiError> {
    let (mut key, user) = find(&state, &caller, path.id("apiKeyId")?).await?;
    let text = str::from_utf8(&body).map_err(|_| ApiError::malformed("The body is no UTF-8"))?;
    let description = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned());
    check_description(&description)?;
    key.description = description;
    if !state.accounts.save_api_key(key.clone()).await? {
        return Err(no_key(key.id));
    }
    Ok(Json(ApiKeyJson::new(key, &user, state.clock.now(), None)))
}
