//! `POST /api/noauth/activate`.

use axum::{Json, extract::State};
use deed_domain::ports::{LinkToken, Password};
use utoipa::ToSchema;

use crate::{
    authentication::{TokenPair, new_password, sign_in},
    error::ApiError,
    extract::{JsonObject, QueryParams, SmallBody},
    state::Shared,
};

/// A new user's first password.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the request; its members are read one by one")]
pub(crate) struct ActivationRequest {
    /// The token of the activation link.
    activate_token: String,
    /// 6 to 72 characters.
    #[schema(value_type = String, min_length = 6, max_length = 72)]
    password: Password,
}

/// Activate a user
///
/// The user has the password from now on, and is signed in.
#[utoipa::path(
    post, path = "/api/noauth/activate", tag = "activation",
    params(("sendActivationMail" = Option<bool>, Query, description = "Whether a letter tells the user that the account is \
            active; in any case of letters. Without it, one does.")),
    request_body = ActivationRequest,
    responses(
        (status = 200, description = "The tokens of the user's first login.", body = TokenPair),
        (status = 400, description = "The request is malformed, the password too short or too long, the link unknown, \
                                      used or expired."),
        (status = 401, description = "The user's customer is gone."),
    )
)]
pub(crate) async fn activate(
    State(state): State<Shared>,
    query: QueryParams,
    SmallBody(body): SmallBody,
) -> Result<Json<TokenPair>, ApiError> {
    let confirmation = query.flag("sendActivationMail")?.unwrap_or(true);
    let members = JsonObject::parse(&body)?;
    let token = members.text("activateToken")?.filter(|token| !token.is_empty());
    let token = LinkToken::new(token.ok_or_else(|| ApiError::invalid("Incorrect activateToken null"))?);
    let password = new_password(members.text("password")?.unwrap_or_default())?;
    let (user, hash) = state.people.activate(&token, password, confirmation).await?;
    sign_in(&state, &user, Some(hash)).await.map(Json)
}
