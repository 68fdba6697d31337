//! `GET /api/tenant/deviceInfos` and `GET /api/deviceInfos/all`.

use axum::{Json, extract::State};
use deed_projections::{OwnedBy, SearchedIn};

use super::listed::{Asked, DeviceFilterParams};
use crate::{
    authentication::{DeviceReader, DeviceUser, Only, TenantAdmin},
    error::ApiError,
    extract::{PageParams, QueryParams},
    state::Shared,
    wire::{DeviceInfoJson, PageJson},
};

/// List the tenant's devices with their owners' titles
///
/// The search looks at name, label, type and the owner's title; sorted by `createdTime`, `name`, `type`,
/// `deviceProfileName`, `label` or `customerTitle`.
#[utoipa::path(
    get, path = "/api/tenant/deviceInfos", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(PageParams, DeviceFilterParams),
    responses(
        (status = 200, description = "A page of devices.", body = PageJson<DeviceInfoJson>),
        (status = 400, description = "The query makes no page, or a filter is malformed."),
    )
)]
pub(crate) async fn tenant_device_infos(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    query: QueryParams,
) -> Result<Json<PageJson<DeviceInfoJson>>, ApiError> {
    let asked = Asked::read(&query, admin.tenant_id, OwnedBy::Anybody, SearchedIn::TypeAndOwnerToo)?;
    asked.infos(&state).await.map(Json)
}

/// List the caller's devices with their owners' titles
///
/// Of an administrator, the devices that no customer owns, and those of customers with `includeCustomers`; of a
/// customer's user, its customer's. Searched and sorted as `/api/tenant/deviceInfos`.
#[utoipa::path(
    get, path = "/api/deviceInfos/all", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(
        PageParams, DeviceFilterParams,
        ("includeCustomers" = Option<bool>, Query, description = "Whether customers' devices are in an administrator's \
         list; in any case of letters. Without it, they are not."),
    ),
    responses(
        (status = 200, description = "A page of devices.", body = PageJson<DeviceInfoJson>),
        (status = 400, description = "The query makes no page, or a filter is malformed."),
    )
)]
pub(crate) async fn device_infos(
    State(state): State<Shared>,
    Only(DeviceReader(user)): Only<DeviceReader>,
    query: QueryParams,
) -> Result<Json<PageJson<DeviceInfoJson>>, ApiError> {
    let with_customers = query.flag("includeCustomers")?.unwrap_or(false);
    let owned_by = match user {
        DeviceUser::Admin(_) if with_customers => OwnedBy::Anybody,
        DeviceUser::Admin(_) => OwnedBy::Nobody,
        DeviceUser::Customer(customer) => OwnedBy::Customer(customer.customer_id),
    };
    let asked = Asked::read(&query, user.tenant_id(), owned_by, SearchedIn::TypeAndOwnerToo)?;
    asked.infos(&state).await.map(Json)
}
