//! `DELETE /api/customer/{customerId}`.

use axum::extract::State;
use deed_domain::deletions::Deletion;

use crate::{
    authentication::{DeviceUser, Only, TenantAdmin},
    error::ApiError,
    extract::{CommandContext, PathParams},
    state::Shared,
};

/// Delete a customer
///
/// Its users cannot sign in any more, its devices are the tenant's again, and their keys are revoked. With more than 1,000
/// devices the answer does not wait for the last of them.
#[utoipa::path(
    delete, path = "/api/customer/{customerId}", tag = "customers", security(("bearer" = []), ("x-authorization" = [])),
    params(("customerId" = uuid::Uuid, Path, description = "The customer.")),
    responses(
        (status = 200, description = "The customer is deleted."),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "There is no such customer."),
    )
)]
pub(crate) async fn delete_customer(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    command: CommandContext,
    path: PathParams,
) -> Result<(), ApiError> {
    let id = path.id("customerId")?;
    super::find(&state, DeviceUser::Admin(admin), id).await?;
    let caller = command.caller(admin.user_id);
    match state.deletions.delete_customer(&caller, admin.tenant_id, id).await? {
        Deletion::Done | Deletion::Begun => Ok(()),
        Deletion::NotFound => Err(super::not_found(id)),
    }
}
