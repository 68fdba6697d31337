//! The registry: what is not an event.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deed_domain::{
    ids::{CustomerId, DeviceId, ProfileId, SessionId, TenantId, UserId},
    ports::{
        Accounts, AccountsError, Attribute, AttributeScope, Attributes, Credentials, Customer, DeviceCredentials,
        DeviceIdentity, DeviceToken, Entity, Principal, Profile, Profiles, RegistryWrite, StoreError, Tenant, User,
        UserCredentials,
    },
    time::Timestamp,
};
use serde_json::Value;

use super::InMemoryStore;

#[derive(Default)]
pub(super) struct Registry {
    pub(super) credentials: BTreeMap<DeviceId, DeviceCredentials>,
    profiles: BTreeMap<ProfileId, Profile>,
    /// By key and scope, of each entity.
    attributes: Vec<(Entity, Attribute)>,
    additional_info: BTreeMap<DeviceId, Value>,
    customers: BTreeMap<CustomerId, Customer>,
    users: BTreeMap<UserId, (User, UserCredentials)>,
    sessions: BTreeMap<SessionId, (UserId, Timestamp)>,
}

impl Registry {
    pub(super) fn profile_named(&self, tenant_id: TenantId, name: &str) -> Option<&Profile> {
        self.profiles.values().find(|profile| profile.tenant_id == tenant_id && profile.name == name)
    }

    /// Writes what belongs to a command; `now` is the time of the append.
    pub(super) fn write(&mut self, write: RegistryWrite, now: Timestamp) {
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
                self.additional_info.remove(&device_id);
                self.attributes.retain(|(entity, _)| *entity != Entity::Device(device_id));
            }
        }
    }

    fn delete_attribute(&mut self, entity: Entity, scope: AttributeScope, key: &str) {
        self.attributes
            .retain(|(of, attribute)| (*of, attribute.scope, attribute.key.as_str()) != (entity, scope, key));
    }
}

/// The form in which e-mails are compared: capitals and small letters are the same.
fn folded(email: &str) -> String {
    email.to_lowercase().to_uppercase()
}

#[async_trait]
impl Credentials for InMemoryStore {
    async fn by_access_token(&self, token: &DeviceToken) -> Result<Option<DeviceIdentity>, StoreError> {
        let held = self.held();
        let found = held.registry.credentials.values().find(|credentials| credentials.credentials_id == *token);
        Ok(found.map(|found| DeviceIdentity::new(found.tenant_id, found.device_id)))
    }

    async fn of_device(&self, device_id: DeviceId) -> Result<Option<DeviceCredentials>, StoreError> {
        Ok(self.held().registry.credentials.get(&device_id).cloned())
    }
}

#[async_trait]
impl Profiles for InMemoryStore {
    async fn by_name(&self, tenant_id: TenantId, name: &str) -> Result<Option<Profile>, StoreError> {
        Ok(self.held().registry.profile_named(tenant_id, name).cloned())
    }

    async fn by_id(&self, id: ProfileId) -> Result<Option<Profile>, StoreError> {
        Ok(self.held().registry.profiles.get(&id).cloned())
    }
}

#[async_trait]
impl Attributes for InMemoryStore {
    async fn of(&self, entity: Entity, scope: Option<AttributeScope>) -> Result<Vec<Attribute>, StoreError> {
        let held = self.held();
        let of_entity = held.registry.attributes.iter().filter(|(of, _)| *of == entity).map(|(_, attribute)| attribute);
        let in_scope = of_entity.filter(|attribute| scope.is_none_or(|scope| attribute.scope == scope));
        let mut attributes: Vec<_> = in_scope.cloned().collect();
        attributes.sort_by(|a, b| (&a.key, a.scope.as_str()).cmp(&(&b.key, b.scope.as_str())));
        Ok(attributes)
    }

    async fn additional_info(&self, device_id: DeviceId) -> Result<Option<Value>, StoreError> {
        Ok(self.held().registry.additional_info.get(&device_id).cloned())
    }
}

#[async_trait]
impl Accounts for InMemoryStore {
    async fn add_tenant(&self, _tenant: Tenant, default_profile: Profile) -> Result<(), AccountsError> {
        self.held().registry.profiles.insert(default_profile.id, default_profile);
        Ok(())
    }

    async fn add_customer(&self, customer: Customer) -> Result<(), AccountsError> {
        let customers = &mut self.held().registry.customers;
        if customers.values().any(|other| (other.tenant_id, &other.title) == (customer.tenant_id, &customer.title)) {
            return Err(AccountsError::TitleTaken);
        }
        customers.insert(customer.id, customer);
        Ok(())
    }

    async fn add_user(&self, user: User, credentials: UserCredentials) -> Result<(), AccountsError> {
        let users = &mut self.held().registry.users;
        if users.values().any(|(other, _)| folded(&other.email) == folded(&user.email)) {
            return Err(AccountsError::EmailTaken);
        }
        users.insert(user.id, (user, credentials));
        Ok(())
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        Ok(self.held().registry.customers.get(&id).cloned())
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.held().registry.users.get(&id).map(|(user, _)| user.clone()))
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<(User, UserCredentials)>, StoreError> {
        let held = self.held();
        Ok(held.registry.users.values().find(|(user, _)| folded(&user.email) == folded(email)).cloned())
    }

    async fn open_session(&self, id: SessionId, user_id: UserId, expires_at: Timestamp) -> Result<(), StoreError> {
        let sessions = &mut self.held().registry.sessions;
        let (of, until) = sessions.entry(id).or_insert((user_id, expires_at));
        if *of == user_id {
            *until = expires_at.max(*until);
        }
        Ok(())
    }

    async fn principal(&self, session: SessionId, user: UserId) -> Result<Option<Principal>, StoreError> {
        let now = self.clock.now();
        let Registry { sessions, users, customers, .. } = &self.held().registry;
        let is_open = sessions.get(&session).is_some_and(|(of, until)| *of == user && now < *until);
        let found = users.get(&user).filter(|(_, credentials)| is_open && credentials.enabled).map(|(user, _)| user);
        let found = found.filter(|user| user.customer_id.is_none_or(|id| customers.contains_key(&id)));
        Ok(found.map(|found| Principal {
            user_id: found.id,
            session_id: session,
            authority: found.authority,
            tenant_id: found.tenant_id,
            customer_id: found.customer_id,
        }))
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.held().registry.users.is_empty())
    }
}
