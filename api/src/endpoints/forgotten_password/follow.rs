//! `GET /api/noauth/resetPassword`: what the link in the letter leads to.

use axum::{
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use deed_domain::ports::LinkToken;

use crate::{error::ApiError, extract::QueryParams, state::Shared};

/// Follow a link to choose another password
#[utoipa::path(
    get, path = "/api/noauth/resetPassword", tag = "activation",
    params(("resetToken" = String, Query, description = "The token of the link.")),
    responses(
        (status = 303, description = "`Location` is the page on which the user chooses a password.",
            headers(("Location" = String, description = "`/login/resetPassword?resetToken=…`"))),
        (status = 400, description = "The token is missing."),
        (status = 409, description = "The link is unknown, has been used, or has expired. No body."),
    )
)]
pub(crate) async fn follow_reset_link(State(state): State<Shared>, query: QueryParams) -> Result<Response, ApiError> {
    let token = query.text("resetToken").map(LinkToken::new);
    let token = token.ok_or_else(|| ApiError::malformed("Query parameter 'resetToken' is missing"))?;
    if !state.people.can_reset_password(&token).await? {
        return Ok(StatusCode::CONFLICT.into_response());
    }
    let page = format!("/login/resetPassword?resetToken={}", token.expose());
    Ok((StatusCode::SEE_OTHER, [(LOCATION, page)]).into_response())
}
