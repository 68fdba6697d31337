//! `POST /api/noauth/resetPassword`.

use axum::{Json, extract::State};
use deed_domain::ports::{LinkToken, Password};
use utoipa::ToSchema;

use crate::{
    authentication::{TokenPair, new_password, sign_in},
    error::ApiError,
    extract::{JsonObject, SmallBody},
    state::Shared,
};

/// Another password instead of a forgotten one.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the request; its members are read one by one")]
pub(crate) struct ResetRequest {
    /// The token of the link.
    reset_token: String,
    /// 6 to 72 characters, and not the old password.
    #[schema(value_type = String, min_length = 6, max_length = 72)]
    password: Password,
}

/// Choose another password
///
/// All of the user's logins end, and a new one begins.
#[utoipa::path(
    post, path = "/api/noauth/resetPassword", tag = "activation", request_body = ResetRequest,
    responses(
        (status = 200, description = "The tokens of a new login.", body = TokenPair),
        (status = 400, description = "The request is malformed, the password too short, too long or the old one, the link \
                                      unknown, used or expired."),
        (status = 401, description = "The user's customer is gone."),
    )
)]
pub(crate) async fn reset_password(
    State(state): State<Shared>,
    SmallBody(body): SmallBody,
) -> Result<Json<TokenPair>, ApiError> {
    let members = JsonObject::parse(&body)?;
    let token = LinkToken::new(members.text("resetToken")?.unwrap_or_default());
    let password = new_password(members.text("password")?.unwrap_or_default())?;
    let (user, hash) = state.people.reset_password(&token, password).await?;
    sign_in(&state, &user, Some(hash)).await.map(Json)
}
