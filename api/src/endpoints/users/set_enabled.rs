//! `POST /api/user/{userId}/userCredentialsEnabled`.

use axum::extract::State;

use crate::{
    authentication::{Only, UserAdministrator},
    error::ApiError,
    extract::{PathParams, QueryParams},
    state::Shared,
};

/// Let a user sign in or not
///
/// Whoever may not is out at once: every login ends, and does not come back when the user may sign in again. Nobody disables
/// itself.
#[utoipa::path(
    post, path = "/api/user/{userId}/userCredentialsEnabled", tag = "users",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("userId" = uuid::Uuid, Path, description = "The user."),
        ("userCredentialsEnabled" = Option<bool>, Query, description = "Whether the user may sign in; in any case of \
         letters. Without it, it may."),
    ),
    responses(
        (status = 200, description = "It is so. No body."),
        (status = 400, description = "The request is malformed, or the user has not chosen a password yet."),
        (status = 404, description = "There is no user of that id."),
    )
)]
pub(crate) async fn set_user_credentials_enabled(
    State(state): State<Shared>,
    Only(UserAdministrator(caller)): Only<UserAdministrator>,
    path: PathParams,
    query: QueryParams,
) -> Result<(), ApiError> {
    let enabled = query.flag("userCredentialsEnabled")?.unwrap_or(true);
    Ok(state.people.set_enabled(&caller, path.id("userId")?, enabled).await?)
}
