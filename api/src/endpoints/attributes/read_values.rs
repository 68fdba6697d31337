//! Reading attributes with their values.

use axum::{Json, extract::State};
use deed_domain::ports::{AttributeScope, Principal};

use super::{
    keys, readable, scope,
    view::{AttributeJson, visible},
};
use crate::{
    authentication::SignedIn,
    error::ApiError,
    extract::{PathParams, QueryParams},
    state::{ApiState, Shared},
};

/// Read attributes of all scopes
#[utoipa::path(
    get, path = "/api/plugins/telemetry/{entityType}/{entityId}/values/attributes", tag = "attributes",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("entityType" = String, Path, description = "`DEVICE`, `CUSTOMER`, `USER` or `TENANT`."),
        ("entityId" = uuid::Uuid, Path, description = "The entity."),
        ("keys" = Option<String>, Query, description = "The keys, separated by commas; or repeated `key`. Without them, all."),
    ),
    responses(
        (status = 200, description = "The attributes that are there, by key. Claim keys are masked.", body = [AttributeJson]),
        (status = 400, description = "The request is malformed."),
        (status = 404, description = "The tenant has no such entity."),
    )
)]
pub(crate) async fn values(
    State(state): State<Shared>,
    SignedIn(principal): SignedIn,
    path: PathParams,
    query: QueryParams,
) -> Result<Json<Vec<AttributeJson>>, ApiError> {
    read(&state, &principal, &path, &query, None).await
}

/// Read attributes of one scope
#[utoipa::path(
    get, path = "/api/plugins/telemetry/{entityType}/{entityId}/values/attributes/{scope}", tag = "attributes",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("entityType" = String, Path, description = "`DEVICE`, `CUSTOMER`, `USER` or `TENANT`."),
        ("entityId" = uuid::Uuid, Path, description = "The entity."),
        ("scope" = String, Path, description = "`SERVER_SCOPE`, `SHARED_SCOPE` or `CLIENT_SCOPE`."),
        ("keys" = Option<String>, Query, description = "The keys, separated by commas; or repeated `key`. Without them, all."),
    ),
    responses(
        (status = 200, description = "The attributes that are there, by key. Claim keys are masked.", body = [AttributeJson]),
        (status = 400, description = "The request is malformed."),
        (status = 404, description = "The tenant has no such entity."),
    )
)]
pub(crate) async fn values_in_scope(
    State(state): State<Shared>,
    SignedIn(principal): SignedIn,
    path: PathParams,
    query: QueryParams,
) -> Result<Json<Vec<AttributeJson>>, ApiError> {
    let scope = scope(&path)?;
    read(&state, &principal, &path, &query, Some(scope)).await
}

async fn read(
    state: &ApiState,
    principal: &Principal,
    path: &PathParams,
    query: &QueryParams,
    scope: Option<AttributeScope>,
) -> Result<Json<Vec<AttributeJson>>, ApiError> {
    let target = readable(state, principal, path).await?;
    let wanted = keys(query);
    let mut attributes = visible(state, &target, scope).await?;
    attributes.retain(|attribute| wanted.is_empty() || wanted.contains(&attribute.key));
    Ok(Json(attributes))
}
