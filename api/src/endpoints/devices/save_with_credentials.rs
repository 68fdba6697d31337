//! `POST /api/device-with-credentials`: adds or saves a device together with what it authenticates with.

use axum::{Json, extract::State};
use deed_domain::claims::DeviceChange;
use utoipa::ToSchema;

use super::{
    draft::Draft,
    save::{add, change_by_admin, change_device},
};
use crate::{
    authentication::{DeviceUser, Only, TenantAdmin},
    endpoints::credentials,
    error::ApiError,
    extract::{CommandContext, JsonBody, JsonObject, NameConflict, NameConflictParams, QueryParams},
    state::Shared,
    wire::DeviceJson,
};

/// A device and its credentials.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the request, which is read member by member")]
struct DeviceWithCredentials {
    /// The device.
    device: Draft,
    /// Its credentials; ids in them mean nothing.
    credentials: credentials::Draft,
}

/// Add or save a device with its credentials
///
/// In one step: there is no moment at which the device is there without them.
#[utoipa::path(
    post, path = "/api/device-with-credentials", tag = "devices",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        NameConflictParams,
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    request_body = DeviceWithCredentials,
    responses(
        (status = 200, description = "The device as it is now.", body = DeviceJson),
        (status = 400, description = "The request is malformed or breaks a rule: the name or the credentials are taken, \
                                      the customer or the profile does not exist."),
        (status = 404, description = "The tenant has no device of that id."),
        (status = 409, description = "`errorCode` 35: somebody else saved the device in between."),
    )
)]
pub(crate) async fn save_device_with_credentials(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    command: CommandContext,
    query: QueryParams,
    JsonBody(body): JsonBody,
) -> Result<Json<DeviceJson>, ApiError> {
    let conflict = NameConflict::read(&query)?;
    let members = JsonObject::parse(&body)?;
    let part = |name: &str| {
        members.nested(name)?.ok_or_else(|| ApiError::invalid(format!("Validation error: {name} must not be null")))
    };
    let (device, credentials) = (part("device")?, part("credentials")?);
    let credentials = credentials::Draft::read_new(&credentials)?.credentials()?;
    let draft = Draft::read(&device)?;
    let caller = command.caller(admin.user_id);
    let appended = match draft.id {
        None => add(&state, &caller, admin, draft, Some(credentials), &conflict).await?,
        Some(id) => {
            let row = super::find(&state, DeviceUser::Admin(admin), id).await?;
            let change = change_by_admin(&state, admin, &row, draft).await?;
            let change = DeviceChange { credentials: Some(credentials), ..change };
            change_device(&state, &caller, &row, change, &conflict).await?
        }
    };
    super::left(&state, &appended).await.map(Json)
}
