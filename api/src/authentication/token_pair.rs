//! Makes the tokens of a login.

use deed_domain::{
    ids::SessionId,
    ports::{NewLogin, PUBLIC_USER, TokenClaims, User},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::REFRESH_TOKEN;
use crate::{
    error::{ApiError, Unauthenticated},
    state::ApiState,
    wire::NULL_UUID,
};

/// The tokens of a login.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenPair {
    /// For requests: `X-Authorization: Bearer <token>`, or `Authorization`.
    token: String,
    /// For `POST /api/auth/token`.
    refresh_token: String,
}

/// A new login of the user, and its tokens. `checked_hash` is what the password was checked against; `None` if the login
/// is granted without one.
///
/// # Errors
/// [`Unauthenticated::BadCredentials`] if the password is another one by now, or the user is gone or disabled.
pub(crate) async fn sign_in(
    state: &ApiState,
    user: &User,
    checked_hash: Option<String>,
) -> Result<TokenPair, ApiError> {
    let id = SessionId(state.entropy.new_id(state.clock.now()));
    let login = NewLogin { id, user_id: user.id, expires_at: lasting_until(state), checked_hash };
    if !state.accounts.open_session(login).await? {
        return Err(Unauthenticated::BadCredentials.into());
    }
    if state.accounts.principal(id, user.id).await?.is_none() {
        return Err(Unauthenticated::Disabled.into());
    }
    issue(state, id, user)
}

/// How long a login is good: as long as a refresh token that is made now.
pub(crate) fn lasting_until(state: &ApiState) -> Timestamp {
    state.clock.now().plus(state.settings.refresh_token_seconds.saturating_mul(1_000))
}

/// A new pair of tokens of that login.
pub(crate) fn issue(state: &ApiState, session: SessionId, user: &User) -> Result<TokenPair, ApiError> {
    let now = state.clock.now();
    let issued_at = now.0.div_euclid(1_000);
    let common = TokenClaims {
        sub: user.email.clone(),
        user_id: user.id.to_string(),
        scopes: vec![user.authority.as_str().to_owned()],
        session_id: session.to_string(),
        exp: issued_at.saturating_add(state.settings.access_token_seconds),
        iss: state.settings.token_issuer.clone(),
        iat: issued_at,
        enabled: None,
        is_public: user.id == PUBLIC_USER,
        tenant_id: None,
        customer_id: None,
        first_name: None,
        last_name: None,
        jti: None,
    };
    let refresh = TokenClaims {
        scopes: vec![REFRESH_TOKEN.to_owned()],
        exp: issued_at.saturating_add(state.settings.refresh_token_seconds),
        jti: Some(state.entropy.new_id(now).to_string()),
        ..common.clone()
    };
    let access = TokenClaims {
        enabled: Some(true),
        tenant_id: Some(user.tenant_id.map_or(NULL_UUID, |id| id.0).to_string()),
        customer_id: Some(user.customer_id.map_or(NULL_UUID, |id| id.0).to_string()),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        ..common
    };
    let sign = |claims| {
        state.tokens.sign(claims).map_err(|error| ApiError::Unreadable(format!("a token cannot be signed: {error}")))
    };
    Ok(TokenPair { token: sign(&access)?, refresh_token: sign(&refresh)? })
}
