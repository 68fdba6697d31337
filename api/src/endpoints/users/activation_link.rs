//! `GET /api/user/{userId}/activationLink` and `…/activationLinkInfo`.

use axum::{
    Json,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    authentication::{Only, UserAdministrator},
    endpoints::activation,
    error::ApiError,
    extract::{BaseUrl, PathParams},
    state::Shared,
};

/// An activation link and how long it lasts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActivationLinkJson {
    /// The link.
    #[schema(
        example = "https://deed.example/api/noauth/activate?activateToken=7MNPQR2STUVWXYZ3ABCDEFGH4JKLMNPQ5RSTUVWX"
    )]
    value: String,
    /// How long it is still good, milliseconds.
    #[schema(example = 86_400_000)]
    ttl_ms: i64,
}

/// Get the activation link of a user
///
/// Good for 24 hours; asked for again it is the same, unless it has less than a quarter of an hour left.
#[utoipa::path(
    get, path = "/api/user/{userId}/activationLink", tag = "users", security(("bearer" = []), ("x-authorization" = [])),
    params(("userId" = uuid::Uuid, Path, description = "The user.")),
    responses(
        (status = 200, description = "The link, whatever `Accept` says.", body = String, content_type = "text/plain"),
        (status = 400, description = "The id is no UUID, or the user has chosen a password."),
        (status = 404, description = "There is no user of that id."),
    )
)]
pub(crate) async fn activation_link(
    State(state): State<Shared>,
    Only(UserAdministrator(caller)): Only<UserAdministrator>,
    base_url: BaseUrl,
    path: PathParams,
) -> Result<Response, ApiError> {
    let link = state.people.activation_link(&caller, path.id("userId")?).await?;
    let text = activation::link(&base_url, &link.token);
    Ok(([(CONTENT_TYPE, "text/plain;charset=UTF-8")], text).into_response())
}

/// Get the activation link of a user and how long it lasts
#[utoipa::path(
    get, path = "/api/user/{userId}/activationLinkInfo", tag = "users",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("userId" = uuid::Uuid, Path, description = "The user.")),
    responses(
        (status = 200, description = "The link as `activationLink` gives it.", body = ActivationLinkJson),
        (status = 400, description = "The id is no UUID, or the user has chosen a password."),
        (status = 404, description = "There is no user of that id."),
    )
)]
pub(crate) async fn activation_link_info(
    State(state): State<Shared>,
    Only(UserAdministrator(caller)): Only<UserAdministrator>,
    base_url: BaseUrl,
    path: PathParams,
) -> Result<Json<ActivationLinkJson>, ApiError> {
    let link = state.people.activation_link(&caller, path.id("userId")?).await?;
    Ok(Json(ActivationLinkJson { value: activation::link(&base_url, &link.token), ttl_ms: link.good_for_ms }))
}
