//! `DELETE /api/customer/device/{deviceName}/claim`.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use deed_domain::device::Reclaimer;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    authentication::{DeviceUser, Only},
    error::ApiError,
    extract::{CommandContext, PathParams},
    state::{ReclaimBody, Shared},
};

/// What a reclaim answers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReclaimResponse {
    /// Always empty.
    result: Nothing,
    /// Always true.
    #[schema(example = true)]
    set_or_expired: bool,
}

/// `{}`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Nothing {}

/// Reclaim a device
///
/// By the owner's users and by administrators: ownership returns to the tenant, and every key ends. Of a device without
/// an owner, an administrator closes the device's open window and a customer's user changes nothing.
#[utoipa::path(
    delete, path = "/api/customer/device/{deviceName}/claim", tag = "claiming",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("deviceName" = String, Path, description = "The exact name, percent-encoded."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    responses(
        (status = 200, description = "The tenant has the device. The body can be switched off.", body = ReclaimResponse),
        (status = 400, description = "The path or a header is malformed."),
        (status = 403, description = "The device belongs to another customer."),
        (status = 404, description = "The tenant has no device of that name."),
    )
)]
pub(crate) async fn reclaim(
    State(state): State<Shared>,
    Only(user): Only<DeviceUser>,
    command: CommandContext,
    path: PathParams,
) -> Result<Response, ApiError> {
    let by = match user {
        DeviceUser::Admin(_) => Reclaimer::Tenant,
        DeviceUser::Customer(customer) => Reclaimer::Customer(customer.customer_id),
    };
    let caller = command.caller(user.user_id());
    state.claims.reclaim(&caller, user.tenant_id(), path.text("deviceName")?, by).await?;
    Ok(match state.settings.reclaim_body {
        ReclaimBody::Result => Json(ReclaimResponse { result: Nothing {}, set_or_expired: true }).into_response(),
        ReclaimBody::Empty => ().into_response(),
    })
}
