//! Listing the keys of attributes.

use axum::{Json, extract::State};
use deed_domain::ports::{AttributeScope, Principal};

use super::{readable, scope, view::visible};
use crate::{
    authentication::SignedIn,
    error::ApiError,
    extract::PathParams,
    state::{ApiState, Shared},
};

/// List the keys of all scopes
#[utoipa::path(
    get, path = "/api/plugins/telemetry/{entityType}/{entityId}/keys/attributes", tag = "attributes",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("entityType" = String, Path, description = "`DEVICE`, `CUSTOMER`, `USER` or `TENANT`."),
        ("entityId" = uuid::Uuid, Path, description = "The entity."),
    ),
    responses(
        (status = 200, description = "The keys, each once.", body = [String]),
        (status = 400, description = "The request is malformed."),
        (status = 404, description = "The tenant has no such entity."),
    )
)]
pub(crate) async fn keys(
    State(state): State<Shared>,
    SignedIn(principal): SignedIn,
    path: PathParams,
) -> Result<Json<Vec<String>>, ApiError> {
    read(&state, &principal, &path, None).await
}

/// List the keys of one scope
#[utoipa::path(
    get, path = "/api/plugins/telemetry/{entityType}/{entityId}/keys/attributes/{scope}", tag = "attributes",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("entityType" = String, Path, description = "`DEVICE`, `CUSTOMER`, `USER` or `TENANT`."),
        ("entityId" = uuid::Uuid, Path, description = "The entity."),
        ("scope" = String, Path, description = "`SERVER_SCOPE`, `SHARED_SCOPE` or `CLIENT_SCOPE`."),
    ),
    responses(
        (status = 200, description = "The keys.", body = [String]),
        (status = 400, description = "The request is malformed."),
        (status = 404, description = "The tenant has no such entity."),
    )
)]
pub(crate) async fn keys_in_scope(
    State(state): State<Shared>,
    SignedIn(principal): SignedIn,
    path: PathParams,
) -> Result<Json<Vec<String>>, ApiError> {
    let scope = scope(&path)?;
    read(&state, &principal, &path, Some(scope)).await
}

async fn read(
    state: &ApiState,
    principal: &Principal,
    path: &PathParams,
    scope: Option<AttributeScope>,
) -> Result<Json<Vec<String>>, ApiError> {
    let target = readable(state, principal, path).await?;
    let attributes = visible(state, &target, scope).await?;
    let mut keys: Vec<_> = attributes.into_iter().map(|attribute| attribute.key).collect();
    keys.dedup();
    Ok(Json(keys))
}
