//! The registry: what is not an event. One file per port, with its statements.
//!
//! What an append carries along is written here, in the append's transaction. Nothing of it is read back, so that
//! nothing can stop an append half-way.

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

pub(in crate::sqlite) use attributes::own as own_attributes;
pub(in crate::sqlite) use departures::is_gone;
pub(in crate::sqlite) use gateway_devices::IS_GATEWAY;

use deed_domain::{
    ids::DeviceId,
    ports::{RegistryWrite, UniqueClaim},
    time::Timestamp,
};
use rusqlite::Connection;

use super::error::SqlError;

/// Writes what belongs to a command; `now` is the time of the append.
pub(in crate::sqlite) fn write(tx: &Connection, write: &RegistryWrite, now: Timestamp) -> Result<(), SqlError> {
    match write {
        RegistryWrite::PutCredentials(put) => credentials::put(tx, put, now),
        RegistryWrite::PutAdditionalInfo(device_id, info) => {
            attributes::put_additional_info(tx, *device_id, info.as_ref())
        }
        RegistryWrite::PutGateway(device_id, gateway) => gateway_devices::put(tx, *device_id, *gateway, now),
        RegistryWrite::PutProfile(profile) => profiles::add(tx, profile, now),
        RegistryWrite::PutAttributes(entity, scope, put) => attributes::put(tx, *entity, *scope, put, now),
        RegistryWrite::DeleteAttributes(entity, scope, keys) => attributes::delete(tx, *entity, *scope, keys),
        RegistryWrite::EraseDevice(device_id) => {
            credentials::erase(tx, *device_id)?;
            gateway_devices::erase(tx, *device_id)?;
            attributes::erase(tx, *device_id)
        }
    }
}

/// Whether the claim does not hold: somebody other than the device has what it is about, or has saved it in between.
/// Device names are a read model's.
pub(in crate::sqlite) fn is_taken(tx: &Connection, claim: &UniqueClaim, device_id: DeviceId) -> Result<bool, SqlError> {
    match claim {
        UniqueClaim::DeviceName(..) => Ok(false),
        UniqueClaim::CredentialsId(id) => credentials::is_taken(tx, id, device_id),
        UniqueClaim::CredentialsVersion(version) => credentials::is_other_version(tx, *version, device_id),
        UniqueClaim::Gateway(gateway) => gateway_devices::is_anothers(tx, *gateway, device_id),
        UniqueClaim::ProfileName(tenant_id, name) => profiles::is_taken(tx, *tenant_id, name),
        UniqueClaim::ProfileAsSeen(id, name) => profiles::is_other(tx, *id, name),
    }
}
