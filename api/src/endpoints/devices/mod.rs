//! Devices (`docs/protocol.md`, devices).

pub(crate) mod assign;
pub(crate) mod bulk_import;
pub(crate) mod change_owner;
pub(crate) mod delete;
pub(in crate::endpoints) mod draft;
pub(crate) mod labels;
pub(crate) mod list_claiming;
pub(crate) mod list_infos;
pub(crate) mod list_of_customer;
pub(crate) mod list_of_user;
mod listed;
pub(crate) mod make_public;
pub(crate) mod read;
pub(crate) mod read_info;
pub(crate) mod read_of_tenant;
pub(crate) mod read_several;
pub(crate) mod save;
pub(crate) mod save_with_credentials;
pub(crate) mod types;
pub(crate) mod unassign;

pub(super) use deed_domain::texts::has_markup;
pub(super) use draft::DraftId;
pub(super) use listed::{Asked, DeviceFilterParams};

use std::collections::BTreeMap;

use deed_domain::{
    claims::Failure,
    device::Refusal,
    ids::{CustomerId, DeviceId, ProfileId},
    ports::{Appended, Customer, ProfileTransport},
};
use deed_projections::DeviceRow;

use crate::{
    authentication::{DeviceUser, TenantAdmin},
    error::ApiError,
    state::ApiState,
    wire::DeviceJson,
};

/// The device of that id if the user may see it: of another tenant it is not there, of another customer it is
/// forbidden.
pub(super) async fn find(state: &ApiState, user: DeviceUser, id: DeviceId) -> Result<DeviceRow, ApiError> {
    let row = state.read_models.device(id).await?.filter(|row| row.tenant_id == user.tenant_id());
    let row = row.ok_or_else(|| ApiError::no_device(id))?;
    if user.may_use(row.customer_id) { Ok(row) } else { Err(ApiError::Forbidden) }
}

/// A device from the device list, with what the registry holds on it.
pub(super) async fn complete(state: &ApiState, row: DeviceRow) -> Result<DeviceJson, ApiError> {
    let additional_info = state.attributes.additional_info(row.device_id).await?;
    let transport = transport(state, row.profile_id).await?;
    Ok(DeviceJson::of_row(row, additional_info).with_transport(transport))
}

/// Devices from the device list likewise; each of their profiles is looked up once.
async fn complete_all(state: &ApiState, rows: Vec<DeviceRow>) -> Result<Vec<DeviceJson>, ApiError> {
    let mut transports: BTreeMap<ProfileId, ProfileTransport> = BTreeMap::new();
    let mut devices = Vec::with_capacity(rows.len());
    for row in rows {
        let transport = match transports.get(&row.profile_id) {
            Some(known) => *known,
            None => {
                let found = transport(state, row.profile_id).await?;
                transports.insert(row.profile_id, found);
                found
            }
        };
        let additional_info = state.attributes.additional_info(row.device_id).await?;
        devices.push(DeviceJson::of_row(row, additional_info).with_transport(transport));
    }
    Ok(devices)
}

/// The customer of that id if it is the administrator's tenant's: another tenant's is forbidden.
async fn customer(state: &ApiState, admin: TenantAdmin, id: CustomerId) -> Result<Customer, ApiError> {
    let customer = state.accounts.customer(id).await?;
    let customer =
        customer.ok_or_else(|| ApiError::NotFound(format!("Customer with id [{id}] is not found").into()))?;
    if customer.tenant_id == admin.tenant_id { Ok(customer) } else { Err(ApiError::Forbidden) }
}

/// A device as a command left it, with what the registry holds on it.
pub(super) async fn left(state: &ApiState, appended: &Appended) -> Result<DeviceJson, ApiError> {
    let id = appended.device_id;
    let device = appended.device.registered().ok_or_else(|| ApiError::no_device(id))?;
    let additional_info = state.attributes.additional_info(id).await?;
    let transport = transport(state, device.profile_id).await?;
    Ok(DeviceJson::of_registered(id, device, additional_info).with_transport(transport))
}

/// The transport of that profile.
pub(super) async fn transport(state: &ApiState, id: ProfileId) -> Result<ProfileTransport, ApiError> {
    Ok(state.profiles.by_id(id).await?.map(|profile| profile.transport).unwrap_or_default())
}

/// The failure of a command to the device of that id.
pub(super) fn failure(id: DeviceId) -> impl FnOnce(Failure) -> ApiError {
    move |failure| match failure {
        Failure::Refused(Refusal::DeviceNotFound) => ApiError::no_device(id),
        failure => failure.into(),
    }
}
