//! `GET /api/user/{userId}`.

use axum::{Json, extract::State};

use crate::{
    authentication::{Only, UserReader},
    error::ApiError,
    extract::PathParams,
    state::Shared,
    wire::UserJson,
};

/// Read a user
///
/// Operators read operators and tenants' administrators, a tenant's administrators everybody of the tenant, a customer's
/// user the users of the customer.
#[utoipa::path(
    get, path = "/api/user/{userId}", tag = "users", security(("bearer" = []), ("x-authorization" = [])),
    params(("userId" = uuid::Uuid, Path, description = "The user.")),
    responses(
        (status = 200, description = "The user with `userCredentialsEnabled`, `userActivated` and `lastLoginTs`, beside \
                                      `additionalInfo` and in it.", body = UserJson),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "There is no user of that id."),
    )
)]
pub(crate) async fn user(
    State(state): State<Shared>,
    Only(UserReader(caller)): Only<UserReader>,
    path: PathParams,
) -> Result<Json<UserJson>, ApiError> {
    let (user, account) = state.people.user(&caller, path.id("userId")?).await?;
    Ok(Json(UserJson::with_account(user, account)))
}
