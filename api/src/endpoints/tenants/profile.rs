//! `GET /api/tenantProfileInfo/default`.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    authentication::{Only, SysAdmin},
    wire::{DEFAULT_TENANT_PROFILE, DEFAULT_TENANT_PROFILE_NAME, EntityId},
};

/// A tenant profile's id and name.
#[derive(Serialize, ToSchema)]
pub(crate) struct TenantProfileInfoJson {
    /// The profile.
    id: EntityId,
    /// Its name.
    #[schema(example = "Default")]
    name: &'static str,
}

/// Read the default tenant profile
///
/// It is the only one: limits are configured for the whole service.
#[utoipa::path(
    get, path = "/api/tenantProfileInfo/default", tag = "tenants", security(("bearer" = []), ("x-authorization" = [])),
    responses((status = 200, description = "Its id and name.", body = TenantProfileInfoJson))
)]
pub(crate) async fn default_tenant_profile(Only(_): Only<SysAdmin>) -> Json<TenantProfileInfoJson> {
    Json(TenantProfileInfoJson {
        id: EntityId::tenant_profile(DEFAULT_TENANT_PROFILE),
        name: DEFAULT_TENANT_PROFILE_NAME,
    })
}
