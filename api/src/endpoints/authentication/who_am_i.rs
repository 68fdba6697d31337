//! `GET /api/auth/user`.

use axum::{Json, extract::State};

use crate::{
    authentication::SignedIn,
    error::{ApiError, Unauthenticated},
    state::Shared,
    wire::UserJson,
};

/// Who am I
#[utoipa::path(
    get, path = "/api/auth/user", tag = "authentication", security(("bearer" = []), ("x-authorization" = [])),
    responses((status = 200, description = "The person whose token this is.", body = UserJson))
)]
pub(crate) async fn who_am_i(
    State(state): State<Shared>,
    SignedIn(principal): SignedIn,
) -> Result<Json<UserJson>, ApiError> {
    let user = state.accounts.user(principal.user_id).await?.ok_or(Unauthenticated::BadCredentials)?;
    Ok(Json(user.into()))
}
