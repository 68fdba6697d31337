//! `GET /api/customer/{customerId}/devices` and `GET /api/customer/{customerId}/deviceInfos`.

use axum::{Json, extract::State};
use deed_projections::{OwnedBy, SearchedIn};

use super::listed::{Asked, DeviceFilterParams};
use crate::{
    authentication::{DeviceReader, DeviceUser, Only},
    error::ApiError,
    extract::{PageParams, PathParams, QueryParams},
    state::{ApiState, Shared},
    wire::{DeviceInfoJson, DeviceJson, PageJson},
};

/// List the devices of a customer
///
/// Searched and sorted as the page of `/api/tenant/devices`.
#[utoipa::path(
    get, path = "/api/customer/{customerId}/devices", tag = "devices",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("customerId" = uuid::Uuid, Path, description = "The customer."), PageParams, DeviceFilterParams),
    responses(
        (status = 200, description = "A page of devices.", body = PageJson<DeviceJson>),
        (status = 400, description = "The id is no UUID, the query makes no page, or a filter is malformed."),
        (status = 404, description = "There is no customer of that id."),
    )
)]
pub(crate) async fn customer_devices(
    State(state): State<Shared>,
    Only(DeviceReader(user)): Only<DeviceReader>,
    path: PathParams,
    query: QueryParams,
) -> Result<Json<PageJson<DeviceJson>>, ApiError> {
    let asked = asked(&state, user, &path, &query, SearchedIn::NameAndLabel).await?;
    asked.devices(&state).await.map(Json)
}

/// List the devices of a customer with their owner's title
///
/// Searched and sorted as `/api/tenant/deviceInfos`.
#[utoipa::path(
    get, path = "/api/customer/{customerId}/deviceInfos", tag = "devices",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("customerId" = uuid::Uuid, Path, description = "The customer."), PageParams, DeviceFilterParams,
        ("includeCustomers" = Option<bool>, Query, description = "Customers below this one: there are none."),
    ),
    responses(
        (status = 200, description = "A page of devices.", body = PageJson<DeviceInfoJson>),
        (status = 400, description = "The id is no UUID, the query makes no page, or a filter is malformed."),
        (status = 404, description = "There is no customer of that id."),
    )
)]
pub(crate) async fn customer_device_infos(
    State(state): State<Shared>,
    Only(DeviceReader(user)): Only<DeviceReader>,
    path: PathParams,
    query: QueryParams,
) -> Result<Json<PageJson<DeviceInfoJson>>, ApiError> {
    query.flag("includeCustomers")?;
    let asked = asked(&state, user, &path, &query, SearchedIn::TypeAndOwnerToo).await?;
    asked.infos(&state).await.map(Json)
}

/// A customer's user lists its own customer's devices, and is not told which others there are.
async fn asked(
    state: &ApiState,
    user: DeviceUser,
    path: &PathParams,
    query: &QueryParams,
    searched_in: SearchedIn,
) -> Result<Asked, ApiError> {
    let id = path.id("customerId")?;
    let asked = Asked::read(query, user.tenant_id(), OwnedBy::Customer(id), searched_in)?;
    match user {
        DeviceUser::Admin(admin) => super::customer(state, admin, id).await.map(drop)?,
        DeviceUser::Customer(customer) if customer.customer_id == id => {}
        DeviceUser::Customer(_) => return Err(ApiError::Forbidden),
    }
    Ok(asked)
}
