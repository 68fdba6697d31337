//! Who asks: a token is read from the headers, checked, and looked up in the registry for every request, so that an
//! ended login or a disabled user is out at once. A handler names the role that it needs: [`Only`]`<TenantAdmin>`.

mod bearer;
mod password_policy;
mod public;
mod roles;
mod token_pair;
mod user_roles;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use deed_domain::{
    ids::{SessionId, UserId},
    ports::{ApiKeyValue, KeyRefused, Principal, TokenClaims, TokenError},
};

use bearer::Presented;
pub(crate) use password_policy::{MAXIMUM as LONGEST_PASSWORD, MINIMUM as SHORTEST_PASSWORD, new_password};
pub(crate) use public::{Claimant, DeviceReader, public_user, sign_in_public};
pub(crate) use roles::{CustomerUser, DeviceUser, HistoryReader, Only, Role, SysAdmin, TenantAdmin};
pub(crate) use token_pair::{TokenPair, issue, lasting_until, sign_in};
pub(crate) use user_roles::{Person, UserAdministrator, UserLister, UserReader};

use crate::{
    error::{ApiError, Unauthenticated},
    state::{ApiState, Shared},
};

/// The scope of a refresh token; every other scope is an authority.
const REFRESH_TOKEN: &str = "REFRESH_TOKEN";

/// Anybody who is signed in, and has not sent too many requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedIn(pub(crate) Principal);

impl FromRequestParts<Shared> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let principal = principal(state, &parts.headers).await?;
        state.limits.admit(&principal)?;
        Ok(Self(principal))
    }
}

/// Who asks, by a request's headers; whatever it is asked, it is not counted.
pub(crate) async fn principal(state: &ApiState, headers: &HeaderMap) -> Result<Principal, ApiError> {
    match bearer::presented(headers)? {
        Presented::Token(token) => Ok(of_token(state, token, TokenKind::Access).await?.1),
        Presented::ApiKey(value) => of_key(state, value).await,
    }
}

async fn of_key(state: &ApiState, value: &str) -> Result<Principal, ApiError> {
    let found = state.accounts.principal_of_key(&ApiKeyValue::new(value)).await?;
    found.map_err(|why| {
        ApiError::from(match why {
            KeyRefused::Unknown => Unauthenticated::BadCredentials,
            KeyRefused::Expired => Unauthenticated::KeyExpired,
            KeyRefused::Disabled => Unauthenticated::Disabled,
        })
    })
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Requests.
    Access,
    /// A new pair of tokens.
    Refresh,
}

/// The login that the token belongs to, and who it speaks for.
pub(crate) async fn of_token(
    state: &ApiState,
    token: &str,
    kind: TokenKind,
) -> Result<(SessionId, Principal), ApiError> {
    let claims = state.tokens.verify(token).map_err(|why| match why {
        TokenError::Expired => Unauthenticated::Expired,
        TokenError::Malformed => Unauthenticated::BadCredentials,
    })?;
    let (session, user) = identity(&claims, kind).ok_or(Unauthenticated::BadCredentials)?;
    if claims.is_public {
        return public::principal(state, &claims, session, kind).await;
    }
    if let Some(principal) = state.accounts.principal(session, user).await? {
        return Ok((session, principal));
    }
    let is_there = state.accounts.user(user).await?.is_some();
    Err(not_let_in(kind, is_there).into())
}

/// Why a token of ours is not accepted that is in time: its login has ended, or whom it speaks for is gone.
const fn not_let_in(kind: TokenKind, is_there: bool) -> Unauthenticated {
    match kind {
        TokenKind::Access if is_there => Unauthenticated::Expired,
        TokenKind::Refresh if is_there => Unauthenticated::NoCredentials,
        TokenKind::Access | TokenKind::Refresh => Unauthenticated::BadCredentials,
    }
}

fn identity(claims: &TokenClaims, kind: TokenKind) -> Option<(SessionId, UserId)> {
    let is_refresh = claims.scopes.iter().any(|scope| scope == REFRESH_TOKEN);
    if is_refresh != (kind == TokenKind::Refresh) {
        return None;
    }
    Some((claims.session_id.parse().ok()?, claims.user_id.parse().ok()?))
}
