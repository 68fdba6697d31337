//! `POST /api/noauth/resetPasswordByEmail`.

use std::sync::Arc;

use axum::extract::State;
use deed_domain::ports::LinkToken;
use tokio::sync::Semaphore;
use tracing::Instrument;
use utoipa::ToSchema;

use super::reset_link;
use crate::{
    error::ApiError,
    extract::{BaseUrl, JsonObject, SmallBody},
    state::Shared,
};

/// How many of these are looked into at once; the others wait before they are answered.
const AT_ONCE: usize = 16;
static SLOTS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Who forgot a password.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the request; its one member is read from the body")]
pub(crate) struct ForgottenPassword {
    /// The e-mail, in whatever case.
    #[schema(example = "anna@example.org")]
    email: Option<String>,
}

/// Ask for a link to choose another password
///
/// The answer is the same for every e-mail and takes as long for each: whether there is such a user is looked into after
/// it. A user gets at most one link in a minute.
#[utoipa::path(
    post, path = "/api/noauth/resetPasswordByEmail", tag = "activation", request_body = ForgottenPassword,
    responses((status = 200, description = "If there is such a user, a letter with the link is on its way. No body."))
)]
pub(crate) async fn reset_password_by_email(
    State(state): State<Shared>,
    SmallBody(body): SmallBody,
) -> Result<(), ApiError> {
    let Some(email) = JsonObject::parse(&body)?.text("email")? else { return Ok(()) };
    let slot = SLOTS.acquire().await;
    let state = Arc::clone(&state);
    let look_into_it = async move {
        let _slot = slot;
        let base_url = BaseUrl::configured(&state);
        let write = |token: &LinkToken| reset_link(base_url.as_str(), token);
        if let Err(error) = state.people.send_password_reset(email.trim(), &write).await {
            tracing::error!(%error, "a link for another password could not be made");
        }
    };
    tokio::spawn(look_into_it.in_current_span());
    Ok(())
}
