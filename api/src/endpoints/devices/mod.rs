//! Devices (`docs/protocol.md`, devices).

pub(crate) mod bulk_import;
pub(crate) mod delete;
mod draft;
pub(crate) mod read;
pub(crate) mod read_by_name;
pub(crate) mod read_info;
pub(crate) mod save;
pub(crate) mod save_with_credentials;

pub(super) use deed_domain::texts::has_markup;
pub(super) use draft::DraftId;

use deed_domain::{claims::Failure, device::Refusal, ids::DeviceId};
use deed_projections::DeviceRow;

use crate::{authentication::DeviceUser, error::ApiError, state::ApiState, wire::DeviceJson};

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
    Ok(DeviceJson::of_row(row, additional_info))
}

/// The failure of a command to the device of that id.
pub(super) fn failure(id: DeviceId) -> impl FnOnce(Failure) -> ApiError {
    move |failure| match failure {
        Failure::Refused(Refusal::DeviceNotFound) => ApiError::no_device(id),
        failure => failure.into(),
    }
}
