//! `POST /api/audit/auditors`.

use axum::{Json, body::Bytes, extract::State, http::StatusCode};
use deed_domain::{
    ids::UserId,
    ports::{AccountsError, Authority, Password, User, UserCredentials},
};
use utoipa::ToSchema;

use crate::{
    authentication::{Only, TenantAdmin, new_password},
    error::ApiError,
    extract::{JsonBody, JsonObject, email},
    state::Shared,
    wire::UserJson,
};

const LONGEST: usize = 255;

/// An auditor to add.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct NewAuditor {
    /// What the auditor signs in with; unique over all users, in whatever case.
    #[schema(example = "auditor@example.org")]
    email: String,
    /// 6 to 72 characters.
    #[schema(value_type = String, min_length = 6, max_length = 72)]
    password: Password,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
}

impl NewAuditor {
    fn read(body: &Bytes) -> Result<Self, ApiError> {
        let members = JsonObject::parse(body)?;
        let email = email(&members.text("email")?.unwrap_or_default())?;
        let password = new_password(members.text("password")?.unwrap_or_default())?;
        let (first_name, last_name) = (members.text("firstName")?, members.text("lastName")?);
        if [&first_name, &last_name].into_iter().flatten().any(|name| name.chars().count() > LONGEST) {
            return Err(ApiError::invalid("Validation error: name length must be equal or less than 255"));
        }
        Ok(Self { email, password, first_name, last_name })
    }
}

/// Add an auditor
///
/// Reads the tenant's history and nothing else. Auditors stand in no list of users.
#[utoipa::path(
    post, path = "/api/audit/auditors", tag = "audit", security(("bearer" = []), ("x-authorization" = [])),
    request_body = NewAuditor,
    responses(
        (status = 201, description = "The auditor, who can sign in at once.", body = UserJson),
        (status = 400, description = "The request is malformed, the password too short or too long, or the e-mail taken."),
    )
)]
pub(crate) async fn add_auditor(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<UserJson>), ApiError> {
    let new = NewAuditor::read(&body)?;
    let password_hash = Some(state.passwords.hash(new.password).await?);
    let now = state.clock.now();
    let user = User {
        id: UserId(state.entropy.new_id(now)),
        tenant_id: Some(admin.tenant_id),
        customer_id: None,
        authority: Authority::Auditor,
        email: new.email,
        first_name: new.first_name,
        last_name: new.last_name,
        phone: None,
        created_at: now,
        version: 1,
        additional_info: None,
    };
    let credentials = UserCredentials { password_hash, enabled: true };
    state.accounts.add_user(user.clone(), credentials).await.map_err(|error| match error {
        AccountsError::EmailTaken => {
            ApiError::invalid(format!("User with email '{}' already present in database!", user.email))
        }
        AccountsError::Store(error) => error.into(),
        other => ApiError::Unreadable(format!("adding a user failed: {other}")),
    })?;
    Ok((StatusCode::CREATED, Json(user.into())))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: &Value) -> Result<NewAuditor, String> {
        NewAuditor::read(&Bytes::from(body.to_string())).map_err(|error| error.to_string())
    }

    #[test]
    fn an_auditor_needs_an_email_and_a_password() {
        assert!(read(&json!({"email": "a@b.org", "password": "secret"})).is_ok());
        for body in
            [json!({"email": "a@b.org"}), json!({"password": "secret"}), json!({"email": "a", "password": "secret"})]
        {
            assert!(read(&body).is_err(), "{body}");
        }
    }

    #[test]
    fn debug_output_shows_no_password() {
        let new = read(&json!({"email": "a@b.org", "password": "S3CR3T-1"})).unwrap();
        assert!(!format!("{new:?}").contains("S3CR3T"));
    }
}
