//! `POST /api/user/sendActivationMail`.

use axum::extract::State;
use deed_domain::ports::LinkToken;

use crate::{
    authentication::{Only, UserAdministrator},
    endpoints::activation,
    error::ApiError,
    extract::{BaseUrl, QueryParams},
    state::Shared,
};

/// Send the activation link to a user
///
/// What becomes of the letter is in the service's log; without a mail server, where to find the link.
#[utoipa::path(
    post, path = "/api/user/sendActivationMail", tag = "users", security(("bearer" = []), ("x-authorization" = [])),
    params(("email" = String, Query, description = "The user's e-mail, in whatever case.", example = "anna@example.org")),
    responses(
        (status = 200, description = "The letter is on its way. No body."),
        (status = 400, description = "The e-mail is missing, or the user has chosen a password."),
        (status = 404, description = "There is no user of that e-mail."),
    )
)]
pub(crate) async fn send_activation_mail(
    State(state): State<Shared>,
    Only(UserAdministrator(caller)): Only<UserAdministrator>,
    base_url: BaseUrl,
    query: QueryParams,
) -> Result<(), ApiError> {
    let email = query.text("email").map(str::trim).filter(|email| !email.is_empty());
    let email = email.ok_or_else(|| ApiError::malformed("Query parameter 'email' is missing"))?;
    let write = |token: &LinkToken| activation::link(&base_url, token);
    Ok(state.people.send_activation(&caller, email, &write).await?)
}
