//! Deleting attributes, under the two paths that clients know.

use axum::extract::State;
use deed_domain::{
    claims::{ClaimingChange, DataChange, SwitchChange},
    device::{CLAIMING_ALLOWED, CLAIMING_DATA},
    ports::{DeviceIdentity, Entity, Principal, RegistryWrite},
};

use super::{failure, is_claiming, keys, scope, target};
use crate::{
    authentication::{DeviceUser, SignedIn},
    error::ApiError,
    extract::{CommandContext, PathParams, QueryParams},
    state::{ApiState, Shared},
};

/// Delete attributes
///
/// A key that is not there is no fault. In `SERVER_SCOPE`, deleting `claimingData` takes its claim key back.
#[utoipa::path(
    delete, path = "/api/plugins/telemetry/{entityType}/{entityId}/{scope}", tag = "attributes",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("entityType" = String, Path, description = "`DEVICE`, `CUSTOMER`, `USER` or `TENANT`."),
        ("entityId" = uuid::Uuid, Path, description = "The entity."),
        ("scope" = String, Path, description = "`SERVER_SCOPE`, `SHARED_SCOPE` or `CLIENT_SCOPE`."),
        ("keys" = Option<String>, Query, description = "The keys, separated by commas; or repeated `key`."),
    ),
    responses(
        (status = 200, description = "The attributes are deleted."),
        (status = 400, description = "The request is malformed or names no key."),
        (status = 404, description = "The tenant has no such entity."),
    )
)]
pub(crate) async fn delete(
    State(state): State<Shared>,
    SignedIn(principal): SignedIn,
    command: CommandContext,
    path: PathParams,
    query: QueryParams,
) -> Result<(), ApiError> {
    remove(&state, &principal, command, &path, &query).await
}

/// Delete a device's attributes
#[utoipa::path(
    delete, path = "/api/plugins/telemetry/{entityId}/{scope}", tag = "attributes",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("entityId" = uuid::Uuid, Path, description = "The device."),
        ("scope" = String, Path, description = "`SERVER_SCOPE`, `SHARED_SCOPE` or `CLIENT_SCOPE`."),
        ("keys" = Option<String>, Query, description = "The keys, separated by commas; or repeated `key`."),
    ),
    responses(
        (status = 200, description = "The attributes are deleted."),
        (status = 400, description = "The request is malformed or names no key."),
        (status = 404, description = "The tenant has no such device."),
    )
)]
pub(crate) async fn delete_of_device(
    State(state): State<Shared>,
    SignedIn(principal): SignedIn,
    command: CommandContext,
    path: PathParams,
    query: QueryParams,
) -> Result<(), ApiError> {
    remove(&state, &principal, command, &path, &query).await
}

async fn remove(
    state: &ApiState,
    principal: &Principal,
    command: CommandContext,
    path: &PathParams,
    query: &QueryParams,
) -> Result<(), ApiError> {
    let scope = scope(path)?;
    let keys = keys(query);
    if keys.is_empty() {
        return Err(ApiError::invalid("Empty keys: []"));
    }
    let target = target(state, principal, path).await?;
    let Entity::Device(id) = target.entity else {
        return Ok(state.attributes.delete(target.entity, scope, keys).await?);
    };
    let (claiming, plain): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| is_claiming(target.entity, scope, key));
    if !claiming.is_empty() && matches!(target.user, DeviceUser::Customer(_)) {
        return Err(ApiError::Forbidden);
    }
    let names = |name: &str| claiming.iter().any(|key| key == name);
    let change = ClaimingChange {
        switch: names(CLAIMING_ALLOWED).then_some(SwitchChange::Clear),
        data: names(CLAIMING_DATA).then_some(DataChange::Clear),
    };
    let plain = (!plain.is_empty()).then(|| RegistryWrite::DeleteAttributes(target.entity, scope, plain));
    let caller = command.caller(target.user.user_id());
    let device = DeviceIdentity::new(target.user.tenant_id(), id);
    state.claims.write_attributes(&caller, device, change, plain.into_iter().collect()).await.map_err(failure)
}
