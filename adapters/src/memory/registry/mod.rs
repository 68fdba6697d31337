//! The registry: what is not an event.

mod accounts;
mod api_keys;
mod attributes;
mod credentials;
mod customers;
mod departures;
mod gateway_devices;
mod links;
mod logins;
mod profiles;
mod public_logins;
mod tenants;

use std::collections::BTreeMap;

use deed_domain::{
    device::OwnAttributes,
    ids::{ApiKeyId, CustomerId, DeviceId, ProfileId, SessionId, TenantId, UserId},
    ports::{
        ApiKey, Attribute, AttributeScope, Customer, DeviceCredentials, Entity, LinkPurpose, NewLink, Profile,
        RegistryWrite, Tenant, User, UserCredentials,
    },
    time::Timestamp,
};
use serde_json::Value;

#[derive(Default)]
pub(in crate::memory) struct Registry {
    pub(in crate::memory) credentials: BTreeMap<DeviceId, DeviceCredentials>,
    profiles: BTreeMap<ProfileId, Profile>,
    /// By key and scope, of each entity.
    attributes: Vec<(Entity, Attribute)>,
    additional_info: BTreeMap<DeviceId, Value>,
    /// Through which a device is reached.
    gateways: BTreeMap<DeviceId, DeviceId>,
    tenants: BTreeMap<TenantId, Tenant>,
    customers: BTreeMap<CustomerId, Customer>,
    departures: departures::Departures,
    users: BTreeMap<UserId, (User, UserCredentials)>,
    /// With the value of each.
    api_keys: BTreeMap<ApiKeyId, (ApiKey, String)>,
    sessions: BTreeMap<SessionId, (UserId, Timestamp)>,
    last_logins: BTreeMap<UserId, Timestamp>,
    links: BTreeMap<(UserId, LinkPurpose), NewLink>,
}

impl Registry {
    pub(in crate::memory) fn profile(&self, id: ProfileId) -> Option<&Profile> {
        self.profiles.get(&id)
    }

    pub(in crate::memory) fn profile_named(&self, tenant_id: TenantId, name: &str) -> Option<&Profile> {
        self.profiles.values().find(|profile| profile.tenant_id == tenant_id && profile.name == name)
    }

    pub(in crate::memory) fn customer_title(&self, id: CustomerId) -> Option<String> {
        self.customers.get(&id).map(|customer| customer.title.clone())
    }

    /// Writes what belongs to a command; `now` is the time of the append.
    pub(in crate::memory) fn write(&mut self, write: RegistryWrite, now: Timestamp) {
        match write {
            RegistryWrite::PutCredentials(put) => {
                let put = match self.credentials.get(&put.device_id) {
                    Some(old) => {
                        DeviceCredentials { id: old.id, created_at: old.created_at, version: old.version + 1, ..put }
                    }
                    None => DeviceCredentials { created_at: now, ..put },
                };
                self.credentials.insert(put.device_id, put);
            }
            RegistryWrite::PutAdditionalInfo(device_id, Some(info)) => {
                self.additional_info.insert(device_id, info);
            }
            RegistryWrite::PutAdditionalInfo(device_id, None) => {
                self.additional_info.remove(&device_id);
            }
            RegistryWrite::PutGateway(device_id, gateway) => {
                self.gateways.insert(device_id, gateway);
            }
            RegistryWrite::PutProfile(profile) => {
                self.profiles.insert(profile.id, Profile { created_at: now, ..profile });
            }
            RegistryWrite::PutAttributes(entity, scope, put) => {
                for (key, value) in put {
                    self.delete_attribute(entity, scope, &key);
                    self.attributes.push((entity, Attribute { key, scope, value, last_update: now }));
                }
            }
            RegistryWrite::DeleteAttributes(entity, scope, keys) => {
                keys.iter().for_each(|key| self.delete_attribute(entity, scope, key));
            }
            RegistryWrite::EraseDevice(device_id) => {
                self.credentials.remove(&device_id);
                self.gateways.retain(|device, gateway| *device != device_id && *gateway != device_id);
                self.additional_info.remove(&device_id);
                self.attributes.retain(|(entity, _)| *entity != Entity::Device(device_id));
            }
        }
    }

    /// What a device's own attributes take, with and without those of these keys.
    pub(in crate::memory) fn own_attributes(&self, device_id: DeviceId, keys: &[String]) -> OwnAttributes {
        let mut own = OwnAttributes::default();
        for (entity, Attribute { key, scope, value, .. }) in &self.attributes {
            if (*entity, *scope) == (Entity::Device(device_id), AttributeScope::Client) {
                let bytes = (key.len() + value.to_string().len()).try_into().unwrap_or(u64::MAX);
                own.all = own.all.saturating_add(bytes);
                own.others = own.others.saturating_add(if keys.contains(key) { 0 } else { bytes });
            }
        }
        own
    }

    fn delete_attribute(&mut self, entity: Entity, scope: AttributeScope, key: &str) {
        self.attributes
            .retain(|(of, attribute)| (*of, attribute.scope, attribute.key.as_str()) != (entity, scope, key));
    }
}
