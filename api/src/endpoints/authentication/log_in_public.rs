//! `POST /api/auth/login/public`.

use axum::{Json, body::Bytes, extract::State};
use deed_domain::ids::CustomerId;
use utoipa::ToSchema;

use crate::{
    authentication::{TokenPair, sign_in_public},
    error::{ApiError, Unauthenticated},
    extract::{JsonObject, SmallBody, uuid},
    state::Shared,
};

/// The public customer to sign in for.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct PublicLoginRequest {
    /// The public customer's id.
    #[schema(value_type = uuid::Uuid)]
    public_id: CustomerId,
}

impl PublicLoginRequest {
    fn read(body: &Bytes) -> Result<Self, Unauthenticated> {
        let id = JsonObject::parse(body).and_then(|members| members.text("publicId")).ok().flatten();
        let id = id.filter(|id| !id.trim().is_empty()).ok_or(Unauthenticated::NoCredentials)?;
        let id = uuid(&id).map_err(|_| Unauthenticated::BadCredentials)?;
        Ok(Self { public_id: CustomerId(id) })
    }
}

/// Sign in for the public customer
///
/// Needs no account. The tokens read what is assigned to the public customer, and do nothing else: no claim, no reclaim.
#[utoipa::path(
    post, path = "/api/auth/login/public", tag = "authentication", request_body = PublicLoginRequest,
    responses(
        (status = 200, description = "The tokens of the new login.", body = TokenPair),
        (status = 401, description = "`errorCode` 10: the id is missing, or no public customer has it."),
    )
)]
pub(crate) async fn log_in_public(
    State(state): State<Shared>,
    SmallBody(body): SmallBody,
) -> Result<Json<TokenPair>, ApiError> {
    let PublicLoginRequest { public_id } = PublicLoginRequest::read(&body)?;
    let customer = state.accounts.customer(public_id).await?.ok_or(Unauthenticated::BadCredentials)?;
    sign_in_public(&state, &customer).await.map(Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_id_there_is_no_login_and_an_odd_one_is_nobodys() {
        let read = |body: &'static str| PublicLoginRequest::read(&Bytes::from(body)).map(|request| request.public_id.0);
        for body in ["", "{}", "[]", "null", r#"{"publicId":null}"#, r#"{"publicId":" "}"#, r#"{"publicId":{}}"#] {
            assert_eq!(read(body), Err(Unauthenticated::NoCredentials), "{body}");
        }
        assert_eq!(read(r#"{"publicId":"rubbish"}"#), Err(Unauthenticated::BadCredentials));
        assert!(read(r#"{"publicId":"784f394c-42b6-11f0-983c-b7beff2784f9"}"#).is_ok());
    }
}
