//! `POST /api/owner/CUSTOMER/{customerId}/DEVICE/{deviceId}` and `POST /api/owner/TENANT/{tenantId}/DEVICE/{deviceId}`:
//! assign and unassign as clients of ThingsBoard's professional edition call them.

use axum::extract::State;
use deed_domain::{claims::Failure, device::Refusal, ids::TenantId};

use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::{CommandContext, PathParams, RawBody},
    state::Shared,
};

/// Make a customer the owner of a device
///
/// As `POST /api/customer/{customerId}/device/{deviceId}`. A body, meant for groups of entities, is not looked at.
#[utoipa::path(
    post, path = "/api/owner/CUSTOMER/{customerId}/DEVICE/{deviceId}", tag = "devices",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("customerId" = uuid::Uuid, Path, description = "The customer."),
        ("deviceId" = uuid::Uuid, Path, description = "The device."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    request_body = Option<Vec<uuid::Uuid>>,
    responses(
        (status = 200, description = "The customer owns the device."),
        (status = 400, description = "An id is no UUID, or a header is malformed."),
        (status = 403, description = "The customer belongs to another tenant."),
        (status = 404, description = "There is no customer of that id, or the tenant has no such device."),
        (status = 409, description = "Others kept changing the device at the same time; try again."),
    )
)]
pub(crate) async fn give_to_customer(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    command: CommandContext,
    path: PathParams,
    RawBody(_): RawBody,
) -> Result<(), ApiError> {
    let (customer_id, device_id) = (path.id("customerId")?, path.id("deviceId")?);
    let customer = super::customer(&state, admin, customer_id).await?;
    let caller = command.caller(admin.user_id);
    let assigned = state.claims.assign(&caller, admin.tenant_id, device_id, customer.id).await;
    assigned.map(drop).map_err(super::failure(device_id))
}

/// Make the tenant the owner of a device
///
/// As `DELETE /api/customer/device/{deviceId}`, and no fault if no customer owns it. A body, meant for groups of entities,
/// is not looked at.
#[utoipa::path(
    post, path = "/api/owner/TENANT/{tenantId}/DEVICE/{deviceId}", tag = "devices",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("tenantId" = uuid::Uuid, Path, description = "The caller's tenant."),
        ("deviceId" = uuid::Uuid, Path, description = "The device."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    request_body = Option<Vec<uuid::Uuid>>,
    responses(
        (status = 200, description = "No customer owns the device."),
        (status = 400, description = "An id is no UUID, or a header is malformed."),
        (status = 403, description = "It is another tenant."),
        (status = 404, description = "The tenant has no such device."),
        (status = 409, description = "Others kept changing the device at the same time; try again."),
    )
)]
pub(crate) async fn give_to_tenant(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    command: CommandContext,
    path: PathParams,
    RawBody(_): RawBody,
) -> Result<(), ApiError> {
    let (tenant_id, device_id) = (path.id::<TenantId>("tenantId")?, path.id("deviceId")?);
    if tenant_id != admin.tenant_id {
        return Err(ApiError::Forbidden);
    }
    let caller = command.caller(admin.user_id);
    match state.claims.unassign(&caller, tenant_id, device_id).await {
        Ok(_) | Err(Failure::Refused(Refusal::NotAssigned)) => Ok(()),
        Err(failure) => Err(super::failure(device_id)(failure)),
    }
}
