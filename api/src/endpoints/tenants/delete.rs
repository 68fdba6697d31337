//! `DELETE /api/tenant/{tenantId}`.

use axum::extract::State;
use deed_domain::deletions::Deletion;

use crate::{
    authentication::{Only, SysAdmin},
    error::ApiError,
    extract::{CommandContext, PathParams},
    state::Shared,
};

/// Delete a tenant
///
/// Nobody of it can sign in any more; its devices are removed, and its customers, users, profiles and attributes erased.
/// What was recorded of its devices stays. With more than 1,000 devices the answer does not wait for the last of them.
#[utoipa::path(
    delete, path = "/api/tenant/{tenantId}", tag = "tenants", security(("bearer" = []), ("x-authorization" = [])),
    params(("tenantId" = uuid::Uuid, Path, description = "The tenant.")),
    responses(
        (status = 200, description = "The tenant is deleted."),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "There is no such tenant."),
    )
)]
pub(crate) async fn delete_tenant(
    State(state): State<Shared>,
    Only(operator): Only<SysAdmin>,
    command: CommandContext,
    path: PathParams,
) -> Result<(), ApiError> {
    let id = path.id("tenantId")?;
    let caller = command.caller(operator.user_id);
    match state.deletions.delete_tenant(&caller, id).await? {
        Deletion::Done | Deletion::Begun => Ok(()),
        Deletion::NotFound => Err(super::not_found(id)),
    }
}
