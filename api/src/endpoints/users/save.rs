//! `POST /api/user`: adds a user or saves one.

use axum::{Json, extract::State};
use deed_domain::{people::WriteLink, ports::LinkToken};

use super::draft::Draft;
use crate::{
    authentication::{Only, UserReader},
    endpoints::activation,
    error::ApiError,
    extract::{BaseUrl, JsonBody, JsonObject, QueryParams},
    state::Shared,
    wire::UserJson,
};

/// Add or save a user
///
/// Without `id` the user is added, and chooses a password with the activation link. Operators add operators and tenants'
/// administrators; a tenant's administrators add administrators of their tenant and users of its customers. With `id`
/// the user is saved; a customer's user may save itself. Tenant, customer and authority are for life. With another e-mail,
/// links that were sent to the old one are good for nothing.
#[utoipa::path(
    post, path = "/api/user", tag = "users", security(("bearer" = []), ("x-authorization" = [])),
    params(("sendActivationMail" = Option<bool>, Query, description = "Whether a new user, or one without a password \
            whose e-mail changes, is sent the activation link; in any case of letters. Without it, it is.")),
    request_body = Draft,
    responses(
        (status = 200, description = "The user as it is now. A saved user has `userCredentialsEnabled`, `userActivated` \
                                      and `lastLoginTs`, beside `additionalInfo` and in it.", body = UserJson),
        (status = 400, description = "The request is malformed or breaks a rule: the e-mail is taken, the customer does \
                                      not exist, is the public one or does not fit the authority, something would change that is for life."),
        (status = 404, description = "There is no user of that id."),
        (status = 409, description = "`errorCode` 35: somebody else saved the user in between."),
    )
)]
pub(crate) async fn save_user(
    State(state): State<Shared>,
    Only(UserReader(caller)): Only<UserReader>,
    base_url: BaseUrl,
    query: QueryParams,
    JsonBody(body): JsonBody,
) -> Result<Json<UserJson>, ApiError> {
    let invites = query.flag("sendActivationMail")?.unwrap_or(true);
    let draft = Draft::read(&JsonObject::parse(&body)?)?;
    let (id, version) = (draft.id, draft.version);
    let write = |token: &LinkToken| activation::link(&base_url, token);
    let invitation: Option<WriteLink<'_>> = if invites { Some(&write) } else { None };
    let user = match id {
        None => state.people.add(&caller, draft.into_user(), invitation).await?.into(),
        Some(id) => {
            let (user, account) = state.people.save(&caller, id, version, draft.into_user(), invitation).await?;
            UserJson::with_account(user, account)
        }
    };
    Ok(Json(user))
}
