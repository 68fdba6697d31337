//! Saving attributes, under the three paths that clients know.

use axum::{body::Bytes, extract::State};
use deed_domain::{
    claims::DataChange,
    ports::{AttributeScope, DeviceIdentity, Entity, Principal, RegistryWrite},
};

use super::{failure, scope, target, written::Written};
use crate::{
    authentication::{DeviceUser, SignedIn},
    error::ApiError,
    extract::{CommandContext, PathParams, RawBody},
    state::{ApiState, Shared},
};

/// Save attributes
///
/// Each member of the body is one attribute. In `SERVER_SCOPE`, `claimingAllowed` and `claimingData` are commands to the
/// device that only administrators may give. All are written together, or none. The `Content-Type` does not matter.
#[utoipa::path(
    post, path = "/api/plugins/telemetry/{entityType}/{entityId}/{scope}", tag = "attributes",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("entityType" = String, Path, description = "`DEVICE`, `CUSTOMER`, `USER` or `TENANT`."),
        ("entityId" = uuid::Uuid, Path, description = "The entity."),
        ("scope" = String, Path, description = "`SERVER_SCOPE` or `SHARED_SCOPE`."),
    ),
    request_body = Object,
    responses(
        (status = 200, description = "The attributes are saved."),
        (status = 400, description = "The request is malformed, or a key breaks the key policy."),
        (status = 404, description = "The tenant has no such entity."),
    )
)]
pub(crate) async fn save(
    State(state): State<Shared>,
    SignedIn(principal): SignedIn,
    command: CommandContext,
    path: PathParams,
    RawBody(body): RawBody,
) -> Result<(), ApiError> {
    write(&state, &principal, command, &path, &body).await
}

/// Save attributes, second form
#[utoipa::path(
    post, path = "/api/plugins/telemetry/{entityType}/{entityId}/attributes/{scope}", tag = "attributes",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("entityType" = String, Path, description = "`DEVICE`, `CUSTOMER`, `USER` or `TENANT`."),
        ("entityId" = uuid::Uuid, Path, description = "The entity."),
        ("scope" = String, Path, description = "`SERVER_SCOPE` or `SHARED_SCOPE`."),
    ),
    request_body = Object,
    responses(
        (status = 200, description = "The attributes are saved."),
        (status = 400, description = "The request is malformed, or a key breaks the key policy."),
        (status = 404, description = "The tenant has no such entity."),
    )
)]
pub(crate) async fn save_second_form(
    State(state): State<Shared>,
    SignedIn(principal): SignedIn,
    command: CommandContext,
    path: PathParams,
    RawBody(body): RawBody,
) -> Result<(), ApiError> {
    write(&state, &principal, command, &path, &body).await
}

/// Save a device's attributes
#[utoipa::path(
    post, path = "/api/plugins/telemetry/{entityId}/{scope}", tag = "attributes",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("entityId" = uuid::Uuid, Path, description = "The device."),
        ("scope" = String, Path, description = "`SERVER_SCOPE` or `SHARED_SCOPE`."),
    ),
    request_body = Object,
    responses(
        (status = 200, description = "The attributes are saved."),
        (status = 400, description = "The request is malformed, or a key breaks the key policy."),
        (status = 404, description = "The tenant has no such device."),
    )
)]
pub(crate) async fn save_of_device(
    State(state): State<Shared>,
    SignedIn(principal): SignedIn,
    command: CommandContext,
    path: PathParams,
    RawBody(body): RawBody,
) -> Result<(), ApiError> {
    write(&state, &principal, command, &path, &body).await
}

async fn write(
    state: &ApiState,
    principal: &Principal,
    command: CommandContext,
    path: &PathParams,
    body: &Bytes,
) -> Result<(), ApiError> {
    let scope = scope(path)?;
    let target = target(state, principal, path).await?;
    if scope == AttributeScope::Client {
        return Err(ApiError::invalid("Invalid scope: CLIENT_SCOPE"));
    }
    let Written { claiming, plain } = Written::read(body, target.entity, scope, state.settings.numeric_text_is_number)?;
    let Entity::Device(id) = target.entity else {
        return Ok(state.attributes.put(target.entity, scope, plain).await?);
    };
    if !claiming.is_empty() && matches!(target.user, DeviceUser::Customer(_)) {
        return Err(ApiError::Forbidden);
    }
    let plain = (!plain.is_empty()).then(|| RegistryWrite::PutAttributes(target.entity, scope, plain));
    let caller = command.caller(target.user.user_id());
    let device = DeviceIdentity::new(target.user.tenant_id(), id);
    let unreadable = matches!(claiming.data, Some(DataChange::Undecodable));
    state.claims.write_attributes(&caller, device, claiming, plain.into_iter().collect()).await.map_err(failure)?;
    if unreadable {
        tracing::warn!(device_id = %id, "the claimingData that was written cannot be read: no key comes of it");
    }
    Ok(())
}
