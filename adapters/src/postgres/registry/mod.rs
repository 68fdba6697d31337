//! The registry: what is not an event. One file per port, with its statements.
//!
//! What appends carry along is written here, in the transaction of their batch: changes of one kind in one statement.
//! Nothing of it is read back, so that nothing can stop an append half-way.

mod account_lists;
mod api_keys;
mod attributes;
mod credentials;
mod customers;
mod departures;
mod gateway_devices;
mod json;
mod links;
mod logins;
mod profiles;
mod public_logins;
mod tenants;
mod user_lists;
mod users;

pub(in crate::postgres) use attributes::{OwnBytes, own as own_attributes};
pub(in crate::postgres) use credentials::{bearers, credentials_versions};
pub(in crate::postgres) use departures::gone;
pub(in crate::postgres) use gateway_devices::gateways_of;
pub(in crate::postgres) use profiles::{named_profiles, profile_names};

use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::DeviceId,
    ports::{AccountsError, AttributeScope, DeviceCredentials, Entity, Profile, ProfilesError, RegistryWrite},
    time::Timestamp,
};
use serde_json::Value;
use uuid::Uuid;

use super::{error::SqlError, plan::Change};

impl From<SqlError> for AccountsError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.into())
    }
}

impl From<SqlError> for ProfilesError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.into())
    }
}

/// A change of one row that belongs to a command; of a device that is erased, of all its rows.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::postgres) enum Put {
    /// A device's credentials in the place of those it had.
    Credentials(DeviceCredentials),
    /// A device's `additionalInfo` in the place of the one it had.
    AdditionalInfo(DeviceId, Option<Value>),
    /// The first device is reached through the second.
    Gateway(DeviceId, DeviceId),
    /// A new profile.
    Profile(Profile),
    /// An attribute in the place of the one of that key.
    Attribute(Entity, AttributeScope, String, Value),
    /// No attribute of that key any more.
    NoAttribute(Entity, AttributeScope, String),
    /// Nothing of the device any more.
    Erase(DeviceId),
}

impl Change for Put {
    fn kind(&self) -> u8 {
        match self {
            Self::Credentials(_) => 0,
            Self::AdditionalInfo(..) => 1,
            Self::Gateway(..) => 2,
            Self::Profile(_) => 3,
            Self::Attribute(..) => 4,
            Self::NoAttribute(..) => 5,
            Self::Erase(_) => 6,
        }
    }

    fn subject(&self) -> Option<Uuid> {
        Some(match self {
            Self::Credentials(put) => put.device_id.0,
            Self::AdditionalInfo(device_id, _) | Self::Gateway(device_id, _) | Self::Erase(device_id) => device_id.0,
            Self::Profile(profile) => profile.id.0,
            Self::Attribute(entity, scope, key, _) | Self::NoAttribute(entity, scope, key) => {
                attribute_id(*entity, *scope, key)
            }
        })
    }

    /// A device that is erased has several rows, and what was its own is free for others.
    fn is_barrier(&self) -> bool {
        matches!(self, Self::Erase(_))
    }
}

/// The same for the same attribute of the same entity.
fn attribute_id(entity: Entity, scope: AttributeScope, key: &str) -> Uuid {
    Uuid::new_v5(&entity.id(), format!("{} {} {key}", entity.kind(), scope.as_str()).as_bytes())
}

/// The changes that a write consists of, in its order.
pub(in crate::postgres) fn puts(write: &RegistryWrite) -> Vec<Put> {
    match write {
        RegistryWrite::PutCredentials(put) => vec![Put::Credentials(put.clone())],
        RegistryWrite::PutAdditionalInfo(device_id, info) => vec![Put::AdditionalInfo(*device_id, info.clone())],
        RegistryWrite::PutGateway(device_id, gateway) => vec![Put::Gateway(*device_id, *gateway)],
        RegistryWrite::PutProfile(profile) => vec![Put::Profile(profile.clone())],
        RegistryWrite::PutAttributes(entity, scope, put) => {
            put.iter().map(|(key, value)| Put::Attribute(*entity, *scope, key.clone(), value.clone())).collect()
        }
        RegistryWrite::DeleteAttributes(entity, scope, keys) => {
            keys.iter().map(|key| Put::NoAttribute(*entity, *scope, key.clone())).collect()
        }
        RegistryWrite::EraseDevice(device_id) => vec![Put::Erase(*device_id)],
    }
}

/// Makes changes that are all of one kind and about different rows; `now` is the time of the append.
pub(in crate::postgres) async fn put_all(
    tx: &impl GenericClient,
    puts: &[Put],
    now: Timestamp,
) -> Result<(), SqlError> {
    let Some(first) = puts.first() else { return Ok(()) };
    match first {
        Put::Credentials(_) => credentials::put(tx, &of_kind(puts, as_credentials), now).await,
        Put::AdditionalInfo(..) => attributes::put_additional_info(tx, &of_kind(puts, as_additional_info)).await,
        Put::Gateway(..) => gateway_devices::put(tx, &of_kind(puts, as_gateway), now).await,
        Put::Profile(_) => profiles::add(tx, &of_kind(puts, as_profile), now).await,
        Put::Attribute(..) => attributes::put(tx, &of_kind(puts, as_attribute), now).await,
        Put::NoAttribute(..) => attributes::delete(tx, &of_kind(puts, as_no_attribute)).await,
        Put::Erase(_) => departures::erase_devices(tx, &of_kind(puts, as_erased)).await,
    }
}

fn of_kind<'p, T>(puts: &'p [Put], as_kind: impl Fn(&'p Put) -> Option<T>) -> Vec<T> {
    puts.iter().filter_map(as_kind).collect()
}

fn as_credentials(put: &Put) -> Option<&DeviceCredentials> {
    if let Put::Credentials(put) = put { Some(put) } else { None }
}

fn as_additional_info(put: &Put) -> Option<(DeviceId, Option<&Value>)> {
    if let Put::AdditionalInfo(device_id, info) = put { Some((*device_id, info.as_ref())) } else { None }
}

fn as_gateway(put: &Put) -> Option<(DeviceId, DeviceId)> {
    if let Put::Gateway(device_id, gateway) = put { Some((*device_id, *gateway)) } else { None }
}

fn as_profile(put: &Put) -> Option<&Profile> {
    if let Put::Profile(profile) = put { Some(profile) } else { None }
}

fn as_attribute(put: &Put) -> Option<(Entity, AttributeScope, &str, &Value)> {
    if let Put::Attribute(entity, scope, key, value) = put {
        Some((*entity, *scope, key.as_str(), value))
    } else {
        None
    }
}

fn as_no_attribute(put: &Put) -> Option<(Entity, AttributeScope, &str)> {
    if let Put::NoAttribute(entity, scope, key) = put { Some((*entity, *scope, key.as_str())) } else { None }
}

fn as_erased(put: &Put) -> Option<Uuid> {
    if let Put::Erase(device_id) = put { Some(device_id.0) } else { None }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use deed_domain::ids::CustomerId;
    use serde_json::json;

    use super::*;
    use crate::postgres::plan::Plan;

    fn device(number: u128) -> DeviceId {
        DeviceId(Uuid::from_u128(number))
    }

    #[test]
    fn an_attribute_is_one_of_entity_kind_scope_and_key() {
        let (one, other) = (Entity::Device(device(1)), Entity::Device(device(2)));
        let namesake = Entity::Customer(CustomerId(device(1).0));
        let mut subjects = HashSet::new();
        for (entity, scope, key) in [
            (one, AttributeScope::Server, "a"),
            (one, AttributeScope::Server, "b"),
            (one, AttributeScope::Shared, "a"),
            (other, AttributeScope::Server, "a"),
            (namesake, AttributeScope::Server, "a"),
        ] {
            let put = Put::Attribute(entity, scope, key.to_owned(), json!(1));
            let deleted = Put::NoAttribute(entity, scope, key.to_owned());
            assert_eq!(put.subject(), deleted.subject());
            assert!(subjects.insert(put.subject()));
        }
    }

    #[test]
    fn a_batch_of_registrations_is_a_few_statements() {
        let mut plan = Plan::default();
        for number in 0..512 {
            let attributes = ["a", "b"].map(|key| (key.to_owned(), json!(1)));
            let entity = Entity::Device(device(number));
            for write in [
                RegistryWrite::PutAdditionalInfo(device(number), None),
                RegistryWrite::PutGateway(device(number), device(1_000)),
                RegistryWrite::PutAttributes(entity, AttributeScope::Server, attributes.to_vec()),
            ] {
                puts(&write).into_iter().for_each(|put| plan.push(put));
            }
        }
        assert_eq!(plan.groups().count(), 3);
    }

    #[test]
    fn an_erasure_stays_between_what_was_before_and_what_comes_after() {
        let entity = Entity::Device(device(1));
        let attribute = |key: &str| Put::Attribute(entity, AttributeScope::Server, key.to_owned(), json!(1));
        let all = [attribute("a"), Put::Erase(device(1)), attribute("b"), Put::Erase(device(2)), attribute("a")];
        let mut plan = Plan::default();
        all.iter().for_each(|put| plan.push(put.clone()));
        let made: Vec<Put> = plan.groups().flatten().cloned().collect();
        assert_eq!(made, all);
    }
}
