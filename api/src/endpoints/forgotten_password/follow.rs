//! `GET /api/noauth/resetPassword`: what the link in the letter leads to.

use axum::{extract::State, http::HeaderMap, response::Response};
use deed_domain::ports::LinkToken;

use crate::{error::ApiError, extract::QueryParams, pages::followed, state::Shared};

/// Follow a link to choose another password
#[utoipa::path(
    get, path = "/api/noauth/resetPassword", tag = "activation",
    params(("resetToken" = String, Query, description = "The token of the link.")),
    responses(
        (status = 303, description = "`Location` is the page on which the user chooses a password. A browser \
                                      (`Accept: text/html`) is led there also if the link is not good: without the token \
                                      the page says what to do.",
            headers(("Location" = String, description = "`/login/resetPassword?resetToken=…`"))),
        (status = 400, description = "The token is missing."),
        (status = 409, description = "The link is unknown, has been used, or has expired. No body."),
    )
)]
pub(crate) async fn follow_reset_link(
    State(state): State<Shared>,
    headers: HeaderMap,
    query: QueryParams,
) -> Result<Response, ApiError> {
    let token = query.text("resetToken").map(LinkToken::new);
    let token = token.ok_or_else(|| ApiError::malformed("Query parameter 'resetToken' is missing"))?;
    let query = format!("resetToken={}", token.expose());
    let is_good = state.people.can_reset_password(&token).await?;
    Ok(followed(&headers, "/login/resetPassword", is_good.then_some(&query)))
}
