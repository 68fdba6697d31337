//! Attributes (`docs/protocol.md`, attributes). The claiming ones of a device are no attributes that are stored: they are
//! commands when written, and follow from the device's events when read.

pub(crate) mod delete;
pub(crate) mod read_keys;
pub(crate) mod read_values;
pub(crate) mod save;
mod view;
mod written;

use deed_domain::{
    claims::Failure,
    device::{CLAIMING_ATTRIBUTES, Refusal},
    ids::{CustomerId, DeviceId, TenantId, UserId},
    ports::{AttributeScope, Authority, Entity, PUBLIC_USER, Principal},
};

use crate::{
    authentication::{DeviceReader, DeviceUser, Role},
    error::ApiError,
    extract::{PathParams, QueryParams, uuid},
    state::ApiState,
};

const DEVICE: &str = "DEVICE";
/// Entity types that clients know and of which there are none here.
const UNKNOWN_HERE: [&str; 9] = [
    "ASSET",
    "ASSET_PROFILE",
    "DASHBOARD",
    "DEVICE_PROFILE",
    "EDGE",
    "ENTITY_VIEW",
    "RULE_CHAIN",
    "TENANT_PROFILE",
    "WIDGETS_BUNDLE",
];

/// Somebody, and an entity whose attributes that one may read and write.
struct Target {
    user: DeviceUser,
    entity: Entity,
}

/// Finds the entity that the path names: its type and id, or the id of a device alone.
async fn target(state: &ApiState, principal: &Principal, path: &PathParams) -> Result<Target, ApiError> {
    named(state, principal, DeviceUser::of(principal), path).await
}

/// Finds the entity likewise, for one who only reads: for the public customer, too.
async fn readable(state: &ApiState, principal: &Principal, path: &PathParams) -> Result<Target, ApiError> {
    named(state, principal, DeviceReader::of(principal).map(|DeviceReader(user)| user), path).await
}

async fn named(
    state: &ApiState,
    principal: &Principal,
    user: Option<DeviceUser>,
    path: &PathParams,
) -> Result<Target, ApiError> {
    if principal.authority == Authority::SysAdmin {
        return Err(ApiError::ForbiddenToOperators);
    }
    let user = user.ok_or(ApiError::Forbidden)?;
    let entity_type = path.text("entityType").unwrap_or(DEVICE);
    let id = uuid(path.text("entityId")?)?;
    let entity = match entity_type {
        DEVICE => device(state, user, DeviceId(id)).await?,
        "CUSTOMER" => customer(state, user, CustomerId(id)).await?,
        "USER" => person(state, user, UserId(id)).await?,
        "TENANT" => tenant(user, TenantId(id))?,
        known if UNKNOWN_HERE.contains(&known) => return Err(not_here(user)),
        word => return Err(ApiError::unknown("The entity type in the path", word)),
    };
    Ok(Target { user, entity })
}

async fn device(state: &ApiState, user: DeviceUser, id: DeviceId) -> Result<Entity, ApiError> {
    let device = state.read_models.device(id).await?.filter(|row| row.tenant_id == user.tenant_id());
    let device = device.ok_or_else(no_device)?;
    if user.may_use(device.customer_id) { Ok(Entity::Device(id)) } else { Err(ApiError::Forbidden) }
}

/// A customer's attributes are its tenant's business, not its own.
async fn customer(state: &ApiState, user: DeviceUser, id: CustomerId) -> Result<Entity, ApiError> {
    let DeviceUser::Admin(admin) = user else { return Err(ApiError::Forbidden) };
    let customer = state.accounts.customer(id).await?.filter(|customer| customer.tenant_id == admin.tenant_id);
    customer.map(|_| Entity::Customer(id)).ok_or_else(|| no_entity("Customer"))
}

/// Of persons, a customer's user sees itself. The public user is nobody.
async fn person(state: &ApiState, user: DeviceUser, id: UserId) -> Result<Entity, ApiError> {
    match user {
        DeviceUser::Customer(customer) if customer.user_id == id && id != PUBLIC_USER => Ok(Entity::User(id)),
        DeviceUser::Customer(_) => Err(ApiError::Forbidden),
        DeviceUser::Admin(admin) => {
            let person = state.accounts.user(id).await?.filter(|person| person.tenant_id == Some(admin.tenant_id));
            person.map(|_| Entity::User(id)).ok_or_else(|| no_entity("User"))
        }
    }
}

fn tenant(user: DeviceUser, id: TenantId) -> Result<Entity, ApiError> {
    match user {
        DeviceUser::Customer(_) => Err(ApiError::Forbidden),
        DeviceUser::Admin(admin) if admin.tenant_id == id => Ok(Entity::Tenant(id)),
        DeviceUser::Admin(_) => Err(no_entity("Tenant")),
    }
}

fn not_here(user: DeviceUser) -> ApiError {
    match user {
        DeviceUser::Customer(_) => ApiError::Forbidden,
        DeviceUser::Admin(_) => no_entity("Entity"),
    }
}

fn no_device() -> ApiError {
    no_entity("Device")
}

fn no_entity(kind: &str) -> ApiError {
    ApiError::NotFound(format!("{kind} with requested id wasn't found!").into())
}

/// The failure of a write to a device.
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

/// Whether the key is a claiming attribute, which only administrators write.
fn is_claiming(entity: Entity, scope: AttributeScope, key: &str) -> bool {
    matches!(entity, Entity::Device(_)) && scope == AttributeScope::Server && CLAIMING_ATTRIBUTES.contains(&key)
}
