//! `GET /api/tenant/devices` and `GET /api/tenant/device`: the device of a name, under two paths, as clients know either;
//! and under the first of them the list of the tenant's devices, if a page is asked for.

use axum::{Json, extract::State};
use deed_domain::device::Refusal;
use deed_projections::{OwnedBy, SearchedIn};
use serde::Serialize;
use utoipa::ToSchema;

use super::listed::{Asked, DeviceFilterParams};
use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::QueryParams,
    state::{ApiState, Shared},
    wire::{DeviceJson, PageJson},
};

/// One device or a page of them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum TenantDevices {
    /// A page was asked for.
    Page(PageJson<DeviceJson>),
    /// A name was asked for.
    One(Box<DeviceJson>),
}

/// List the tenant's devices, or find one by its name
///
/// With `pageSize` and `page` a page of devices, whatever `deviceName` is; otherwise the one device of that name. The
/// search looks at name and label; sorted by `createdTime`, `name`, `type`, `deviceProfileName`, `label` or
/// `customerTitle`.
#[utoipa::path(
    get, path = "/api/tenant/devices", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("deviceName" = Option<String>, Query, description = "The exact name of the one device, instead of a page."),
        ("pageSize" = Option<u32>, Query, minimum = 1, description = "Rows on a page."),
        ("page" = Option<u32>, Query, description = "Which page; 0 is the first."),
        ("textSearch" = Option<String>, Query, description = "Only devices with this text in name or label."),
        ("sortProperty" = Option<String>, Query, description = "The property to sort by."),
        ("sortOrder" = Option<String>, Query, description = "`ASC` or `DESC`, in any case."),
        DeviceFilterParams,
    ),
    responses(
        (status = 200, description = "A page of devices, or the one of that name.", body = TenantDevices),
        (status = 400, description = "The query asks neither for a page nor for a name, or a filter is malformed."),
        (status = 404, description = "The tenant has no device of that name."),
    )
)]
pub(crate) async fn tenant_devices(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    query: QueryParams,
) -> Result<Json<TenantDevices>, ApiError> {
    let has = |name| query.text(name).is_some();
    let wants_page = has("pageSize") && has("page") || !has("deviceName");
    Ok(Json(if wants_page {
        let asked = Asked::read(&query, admin.tenant_id, OwnedBy::Anybody, SearchedIn::NameAndLabel)?;
        TenantDevices::Page(asked.devices(&state).await?)
    } else {
        TenantDevices::One(Box::new(named(&state, admin, &query).await?))
    }))
}

/// Find a device by its name
#[utoipa::path(
    get, path = "/api/tenant/device", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceName" = String, Query, description = "The exact name.")),
    responses(
        (status = 200, description = "The one device of that name.", body = DeviceJson),
        (status = 400, description = "No name is given."),
        (status = 404, description = "The tenant has no device of that name."),
    )
)]
pub(crate) async fn device_by_name(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    query: QueryParams,
) -> Result<Json<DeviceJson>, ApiError> {
    named(&state, admin, &query).await.map(Json)
}

async fn named(state: &ApiState, admin: TenantAdmin, query: &QueryParams) -> Result<DeviceJson, ApiError> {
    let name =
        query.text("deviceName").ok_or_else(|| ApiError::malformed("Query parameter 'deviceName' is missing"))?;
    let row = state.read_models.device_named(admin.tenant_id, name).await?;
    let row = row.ok_or(ApiError::Failed(Refusal::DeviceNotFound.into()))?;
    super::complete(state, row).await
}
