//! Attributes of devices (`docs/protocol.md`, attributes). The claiming ones are no attributes that are stored: they are
//! commands when written, and follow from the device's events when read.

pub(crate) mod delete;
pub(crate) mod read_keys;
pub(crate) mod read_values;
pub(crate) mod save;
mod view;
mod written;

pub(super) use written::check_key;

use deed_domain::{
    claims::Failure,
    device::{CLAIMING_ATTRIBUTES, Refusal},
    ids::DeviceId,
    ports::{AttributeScope, Authority, Principal},
};
use deed_projections::DeviceRow;

use crate::{
    authentication::{DeviceUser, Role},
    error::ApiError,
    extract::{PathParams, QueryParams, uuid},
    state::ApiState,
};

const DEVICE: &str = "DEVICE";
/// Entity types that the contract knows and that have no attributes here yet.
const OTHER_ENTITY_TYPES: [&str; 7] =
    ["CUSTOMER", "USER", "TENANT", "ASSET", "DASHBOARD", "DEVICE_PROFILE", "ENTITY_VIEW"];

/// A device whose attributes the user may read and write.
struct Target {
    user: DeviceUser,
    device: DeviceRow,
}

/// Finds the device that the path names: the entity type and id, or the id alone.
async fn target(state: &ApiState, principal: &Principal, path: &PathParams) -> Result<Target, ApiError> {
    if principal.authority == Authority::SysAdmin {
        return Err(ApiError::ForbiddenToOperators);
    }
    let user = DeviceUser::of(principal).ok_or(ApiError::Forbidden)?;
    let entity_type = path.text("entityType").unwrap_or(DEVICE);
    if entity_type != DEVICE {
        return Err(not_served(user, entity_type));
    }
    let id = DeviceId(uuid(path.text("entityId")?)?);
    let device = state.read_models.device(id).await?.filter(|row| row.tenant_id == user.tenant_id());
    let device = device.ok_or_else(no_device)?;
    if user.may_use(device.customer_id) { Ok(Target { user, device }) } else { Err(ApiError::Forbidden) }
}

fn not_served(user: DeviceUser, entity_type: &str) -> ApiError {
    match user {
        _ if !OTHER_ENTITY_TYPES.contains(&entity_type) => ApiError::malformed("Unknown entity type"),
        DeviceUser::Customer(_) => ApiError::Forbidden,
        DeviceUser::Admin(_) => ApiError::malformed("Only devices have attributes here"),
    }
}

fn no_device() -> ApiError {
    ApiError::NotFound("Device with requested id wasn't found!".into())
}

/// The failure of a write.
fn failure(failure: Failure) -> ApiError {
    match failure {
        Failure::Refused(Refusal::DeviceNotFound) => no_device(),
        failure => failure.into(),
    }
}

fn scope(path: &PathParams) -> Result<AttributeScope, ApiError> {
    AttributeScope::parse(path.text("scope")?)
        .ok_or_else(|| ApiError::malformed("Unknown scope: use SERVER_SCOPE, SHARED_SCOPE or CLIENT_SCOPE"))
}

/// The keys that the query names, as `keys=a,b` or as repeated `key=`.
fn keys(query: &QueryParams) -> Vec<String> {
    let listed = query.all("keys").flat_map(|keys| keys.split(','));
    listed.chain(query.all("key")).filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

/// Whether the key is a claiming attribute of that scope, which only administrators write.
fn is_claiming(scope: AttributeScope, key: &str) -> bool {
    scope == AttributeScope::Server && CLAIMING_ATTRIBUTES.contains(&key)
}
