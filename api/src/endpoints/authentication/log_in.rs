//! `POST /api/auth/login`.

use axum::{Json, body::Bytes, extract::State};
use deed_domain::ports::Password;
use utoipa::ToSchema;

use crate::{
    authentication::{TokenPair, sign_in},
    error::{ApiError, Unauthenticated},
    extract::{JsonObject, SmallBody},
    state::Shared,
};

/// What a person signs in with.
#[derive(ToSchema)]
pub(crate) struct LoginRequest {
    /// The e-mail, in whatever case.
    #[schema(example = "tenant@thingsboard.org")]
    username: String,
    /// The password.
    #[schema(value_type = String, example = "tenant")]
    password: Password,
}

impl LoginRequest {
    /// Whatever is wrong with the body, the answer is the same.
    fn read(body: &Bytes) -> Result<Self, Unauthenticated> {
        let read = || {
            let members = JsonObject::parse(body)?;
            Ok::<_, ApiError>((members.text("username")?, members.text("password")?))
        };
        match read() {
            Ok((Some(username), Some(password))) if !username.trim().is_empty() && !password.trim().is_empty() => {
                Ok(Self { username, password: Password::new(password) })
            }
            _ => Err(Unauthenticated::NoCredentials),
        }
    }
}

/// Sign in
///
/// Takes as long for a user that does not exist as for a wrong password. The `Content-Type` does not matter.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "authentication", request_body = LoginRequest,
    responses(
        (status = 200, description = "The tokens of the new login.", body = TokenPair),
        (status = 401, description = "`errorCode` 10. The message tells a malformed request from wrong credentials and \
                                      from a disabled user."),
    )
)]
pub(crate) async fn log_in(
    State(state): State<Shared>,
    SmallBody(body): SmallBody,
) -> Result<Json<TokenPair>, ApiError> {
    let LoginRequest { username, password } = LoginRequest::read(&body)?;
    let (user, credentials) = state.accounts.user_by_email(username.trim()).await?.unzip();
    let hash = credentials.as_ref().and_then(|credentials| credentials.password_hash.clone());
    let is_right = state.passwords.verify(password, hash).await?;
    let (Some(user), Some(credentials), true) = (user, credentials, is_right) else {
        return Err(Unauthenticated::BadCredentials.into());
    };
    // Only who knows the password learns that the account is disabled.
    if !credentials.enabled {
        return Err(Unauthenticated::Disabled.into());
    }
    sign_in(&state, &user, credentials.password_hash).await.map(Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_both_members_is_no_request() {
        for body in ["", "{}", "[]", "{rubbish", r#"{"username":"a"}"#, r#"{"username":" ","password":"p"}"#, "null"] {
            let read = LoginRequest::read(&Bytes::from(body));
            assert_eq!(read.err(), Some(Unauthenticated::NoCredentials), "{body}");
        }
        assert!(LoginRequest::read(&Bytes::from(r#"{"username":"a","password":"p","more":1}"#)).is_ok());
    }
}
