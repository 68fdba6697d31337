//! `POST /api/auth/changePassword`.

use axum::{Json, body::Bytes, extract::State};
use deed_domain::ports::Password;
use utoipa::ToSchema;

use crate::{
    authentication::{Only, Person, TokenPair, new_password, sign_in},
    error::{ApiError, Unauthenticated},
    extract::{JsonObject, SmallBody},
    state::Shared,
};

/// The password that the caller has, and the one to have.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct PasswordChange {
    /// The password until now.
    #[schema(value_type = String)]
    current_password: Password,
    /// The password from now on, 6 to 72 characters.
    #[schema(value_type = String, min_length = 6, max_length = 72)]
    new_password: String,
}

impl PasswordChange {
    fn read(body: &Bytes) -> Result<Self, ApiError> {
        let members = JsonObject::parse(body)?;
        let missing = |name| ApiError::malformed(format!("Member '{name}' is missing"));
        let current = members.text("currentPassword")?.ok_or_else(|| missing("currentPassword"))?;
        let new_password = members.text("newPassword")?.ok_or_else(|| missing("newPassword"))?;
        Ok(Self { current_password: Password::new(current), new_password })
    }
}

/// Change the own password
///
/// Every login of the user ends, this one too; the answer holds the tokens of a new one. API keys stay good.
#[utoipa::path(
    post, path = "/api/auth/changePassword", tag = "authentication",
    security(("bearer" = []), ("x-authorization" = [])),
    request_body = PasswordChange,
    responses(
        (status = 200, description = "The tokens of a new login.", body = TokenPair),
        (status = 400, description = "The current password is another one, or the new one breaks the policy or is the same."),
    )
)]
pub(crate) async fn change_password(
    State(state): State<Shared>,
    Only(Person(principal)): Only<Person>,
    SmallBody(body): SmallBody,
) -> Result<Json<TokenPair>, ApiError> {
    let PasswordChange { current_password, new_password: wanted } = PasswordChange::read(&body)?;
    let gone = || ApiError::from(Unauthenticated::BadCredentials);
    let user = state.accounts.user(principal.user_id).await?.ok_or_else(gone)?;
    let (user, credentials) = state.accounts.user_by_email(&user.email).await?.ok_or_else(gone)?;
    let mismatch = || ApiError::invalid("Current password doesn't match!");
    let checked = credentials.password_hash;
    if !state.passwords.verify(current_password.clone(), checked.clone()).await? {
        return Err(mismatch());
    }
    let new = new_password(wanted)?;
    if new.expose() == current_password.expose() {
        return Err(ApiError::invalid("New password should be different from existing!"));
    }
    let hash = state.passwords.hash(new).await?;
    if !state.accounts.set_password(user.id, checked, hash.clone()).await? {
        return Err(mismatch());
    }
    sign_in(&state, &user, Some(hash)).await.map(Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_passwords_are_needed_and_none_is_shown() {
        for body in ["", "[]", "{}", r#"{"currentPassword":"S3CR3T"}"#, r#"{"newPassword":"S3CR3T"}"#] {
            let error = PasswordChange::read(&Bytes::from(body)).unwrap_err();
            assert!(!error.to_string().contains("S3CR3T"), "{error}");
        }
        assert!(PasswordChange::read(&Bytes::from(r#"{"currentPassword":"a","newPassword":"b"}"#)).is_ok());
    }
}
