//! `DELETE /api/user/{userId}`.

use axum::extract::State;

use crate::{
    authentication::{Only, UserAdministrator},
    error::ApiError,
    extract::PathParams,
    state::Shared,
};

/// Delete a user
///
/// With its logins, API keys and attributes. Nobody deletes itself.
#[utoipa::path(
    delete, path = "/api/user/{userId}", tag = "users", security(("bearer" = []), ("x-authorization" = [])),
    params(("userId" = uuid::Uuid, Path, description = "The user.")),
    responses(
        (status = 200, description = "The user is gone. No body."),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "There is no user of that id."),
    )
)]
pub(crate) async fn delete_user(
    State(state): State<Shared>,
    Only(UserAdministrator(caller)): Only<UserAdministrator>,
    path: PathParams,
) -> Result<(), ApiError> {
    Ok(state.people.delete(&caller, path.id("userId")?).await?)
}
