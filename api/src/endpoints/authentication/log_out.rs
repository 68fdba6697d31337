//! `POST /api/auth/logout`.

use axum::extract::State;
use deed_domain::ports::Proof;

use crate::{authentication::SignedIn, error::ApiError, state::Shared};

/// Sign out
///
/// Ends this login: its access and refresh tokens are refused from now on. Other logins of the same person go on. An API
/// key is no login and stays good.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "authentication", security(("bearer" = []), ("x-authorization" = [])),
    responses((status = 200, description = "The login has ended."))
)]
pub(crate) async fn log_out(State(state): State<Shared>, SignedIn(principal): SignedIn) -> Result<(), ApiError> {
    match principal.proof {
        Proof::Login(session) => Ok(state.accounts.close_session(session, principal.user_id).await?),
        Proof::ApiKey(_) => Ok(()),
    }
}
