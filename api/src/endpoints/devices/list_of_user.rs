//! `GET /api/user/devices`.

use axum::{Json, extract::State};
use deed_projections::{OwnedBy, SearchedIn};

use super::listed::{Asked, DeviceFilterParams};
use crate::{
    authentication::{DeviceReader, DeviceUser, Only},
    error::ApiError,
    extract::{PageParams, QueryParams},
    state::Shared,
    wire::{DeviceJson, PageJson},
};

/// List the devices that the caller may see
///
/// Of an administrator, all of the tenant; of a customer's user, its customer's. Searched and sorted as the page of
/// `/api/tenant/devices`.
#[utoipa::path(
    get, path = "/api/user/devices", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(PageParams, DeviceFilterParams),
    responses(
        (status = 200, description = "A page of devices.", body = PageJson<DeviceJson>),
        (status = 400, description = "The query makes no page, or a filter is malformed."),
    )
)]
pub(crate) async fn user_devices(
    State(state): State<Shared>,
    Only(DeviceReader(user)): Only<DeviceReader>,
    query: QueryParams,
) -> Result<Json<PageJson<DeviceJson>>, ApiError> {
    let owned_by = match user {
        DeviceUser::Admin(_) => OwnedBy::Anybody,
        DeviceUser::Customer(customer) => OwnedBy::Customer(customer.customer_id),
    };
    let asked = Asked::read(&query, user.tenant_id(), owned_by, SearchedIn::NameAndLabel)?;
    asked.devices(&state).await.map(Json)
}
