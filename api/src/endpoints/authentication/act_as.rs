//! `GET /api/user/{userId}/token`: an administrator signs in as one of its customers' users.

use axum::{Json, extract::State};
use deed_domain::{ids::UserId, ports::Authority};

use crate::{
    authentication::{Only, TenantAdmin, TokenPair, sign_in},
    error::ApiError,
    extract::PathParams,
    state::Shared,
};

/// Sign in as a user
///
/// For a tenant's administrators, and only as a user of one of the tenant's customers. What is done with the tokens is
/// recorded as that user's doing; the setting `security.user_token_access_enabled` switches it off.
#[utoipa::path(
    get, path = "/api/user/{userId}/token", tag = "authentication",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("userId" = uuid::Uuid, Path, description = "The user.")),
    responses(
        (status = 200, description = "The tokens of a new login of that user.", body = TokenPair),
        (status = 400, description = "The id is no UUID."),
        (status = 403, description = "The caller may not do that, or the user has no password yet or is disabled."),
        (status = 404, description = "There is no such user."),
    )
)]
pub(crate) async fn act_as(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    path: PathParams,
) -> Result<Json<TokenPair>, ApiError> {
    let id: UserId = path.id("userId")?;
    if !state.settings.user_token_access {
        return Err(ApiError::Forbidden);
    }
    let user = state.accounts.user(id).await?;
    let user = user.ok_or_else(|| ApiError::NotFound(format!("User with id [{id}] is not found").into()))?;
    if user.tenant_id != Some(admin.tenant_id) || user.authority != Authority::CustomerUser {
        return Err(ApiError::Forbidden);
    }
    let pair = sign_in(&state, &user, None).await.map_err(|error| match error {
        // It is the user who is not let in; the administrator is.
        ApiError::Unauthenticated(_) => ApiError::Forbidden,
        other => other,
    })?;
    tracing::info!(user = %user.id, administrator = %admin.user_id, "an administrator signs in as a customer's user");
    Ok(Json(pair))
}
