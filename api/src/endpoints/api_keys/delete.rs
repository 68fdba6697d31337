//! `DELETE /api/apiKey/{apiKeyId}`.

use axum::extract::State;

use super::find;
use crate::{
    authentication::{Only, Person},
    error::ApiError,
    extract::PathParams,
    state::Shared,
};

/// Delete an API key
#[utoipa::path(
    delete, path = "/api/apiKey/{apiKeyId}", tag = "api keys", security(("bearer" = []), ("x-authorization" = [])),
    params(("apiKeyId" = uuid::Uuid, Path, description = "The key.")),
    responses(
        (status = 200, description = "Its value is worth nothing from now on."),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "There is no such key."),
    )
)]
pub(crate) async fn delete_api_key(
    State(state): State<Shared>,
    Only(Person(caller)): Only<Person>,
    path: PathParams,
) -> Result<(), ApiError> {
    let (key, _) = find(&state, &caller, path.id("apiKeyId")?).await?;
    Ok(state.accounts.delete_api_key(key.id).await?)
}
