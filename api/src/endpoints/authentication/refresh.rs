//! `POST /api/auth/token`.

use axum::{Json, extract::State};
use utoipa::ToSchema;

use crate::{
    authentication::{TokenKind, TokenPair, issue, lasting_until, of_token, public_user},
    error::{ApiError, Unauthenticated},
    extract::{JsonObject, SmallBody},
    state::Shared,
};

/// A refresh token.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the request; its one member is read from the body")]
pub(crate) struct RefreshRequest {
    /// As the last login or refresh gave it.
    refresh_token: String,
}

/// Get new tokens
///
/// The old refresh token stays usable until it expires. The login lasts as long as its newest refresh token.
#[utoipa::path(
    post, path = "/api/auth/token", tag = "authentication", request_body = RefreshRequest,
    responses(
        (status = 200, description = "Both tokens are new.", body = TokenPair),
        (status = 401, description = "`errorCode` 11 if the token has expired, otherwise 10."),
    )
)]
pub(crate) async fn refresh(
    State(state): State<Shared>,
    SmallBody(body): SmallBody,
) -> Result<Json<TokenPair>, ApiError> {
    let token = JsonObject::parse(&body)
        .and_then(|members| members.text("refreshToken"))
        .ok()
        .flatten()
        .filter(|token| !token.trim().is_empty())
        .ok_or(Unauthenticated::NoCredentials)?;
    let (session, principal) = of_token(&state, &token, TokenKind::Refresh).await?;
    let user = match principal.customer_id.filter(|_| principal.is_public()) {
        Some(customer) => state.accounts.customer(customer).await?.as_ref().map(public_user),
        None => state.accounts.user(principal.user_id).await?,
    };
    let user = user.ok_or(Unauthenticated::BadCredentials)?;
    // The login may have ended in this very moment; then it stays ended.
    if !state.accounts.extend_session(session, user.id, lasting_until(&state)).await? {
        return Err(Unauthenticated::NoCredentials.into());
    }
    issue(&state, session, &user).map(Json)
}
