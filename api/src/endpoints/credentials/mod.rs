//! What devices authenticate with (`docs/protocol.md`, credentials).

mod draft;
pub(crate) mod read;
pub(crate) mod replace;

pub(super) use draft::Draft;

use deed_domain::ids::DeviceId;

use crate::{error::ApiError, state::ApiState, wire::CredentialsJson};

/// The device's credentials as they are now.
async fn current(state: &ApiState, id: DeviceId) -> Result<CredentialsJson, ApiError> {
    let found = state.credentials.of_device(id).await?;
    found.map(CredentialsJson::new).ok_or_else(|| ApiError::no_device(id))
}
