//! `POST /api/device/credentials`: other credentials for a device.

use axum::{Json, extract::State};
use deed_domain::{
    claims::Failure,
    ports::{AppendError, DeviceIdentity, UniqueClaim},
};

use super::Draft;
use crate::{
    authentication::{DeviceUser, Only, TenantAdmin},
    endpoints::devices,
    error::ApiError,
    extract::{CommandContext, JsonBody, JsonObject},
    state::Shared,
    wire::CredentialsJson,
};

/// Save a device's credentials
///
/// The body is the record as it was read, with other credentials in it. The ones before are good for nothing from then
/// on. `credentialsId` of `MQTT_BASIC` and `X509_CERTIFICATE` is computed.
#[utoipa::path(
    post, path = "/api/device/credentials", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    request_body = Draft,
    responses(
        (status = 200, description = "The credentials as they are now.", body = CredentialsJson),
        (status = 400, description = "The request is malformed or breaks a rule, or another device has these credentials."),
        (status = 404, description = "The tenant has no such device."),
        (status = 409, description = "`errorCode` 35: somebody else saved the credentials in between."),
    )
)]
pub(crate) async fn save_credentials(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    command: CommandContext,
    JsonBody(body): JsonBody,
) -> Result<Json<CredentialsJson>, ApiError> {
    let draft = Draft::read(&JsonObject::parse(&body)?)?;
    let device_id = draft.device_id.ok_or_else(|| ApiError::invalid("Invalid entity id"))?;
    devices::find(&state, DeviceUser::Admin(admin), device_id).await?;
    let new = draft.credentials()?;
    let id = draft.id.ok_or_else(|| ApiError::invalid("Credentials for this device are already specified!"))?;
    let stored = state.credentials.of_device(device_id).await?.ok_or_else(|| ApiError::no_device(device_id))?;
    if stored.id != id {
        return Err(ApiError::invalid("Unable to update non-existent device credentials!"));
    }
    let version = draft.version.map(u32::try_from).transpose().map_err(|_| stale(stored.version))?;
    let device = DeviceIdentity::new(admin.tenant_id, device_id);
    let caller = command.caller(admin.user_id);
    let replaced = state.claims.replace_credentials(&caller, device, &new, version);
    replaced.await.map_err(devices::failure(device_id))?;
    super::current(&state, device_id).await.map(Json)
}

/// A version that no credentials can have is another than the stored one.
fn stale(version: u32) -> ApiError {
    Failure::from(AppendError::Taken(UniqueClaim::CredentialsVersion(version))).into()
}
