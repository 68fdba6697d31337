//! Device profiles.

use async_trait::async_trait;
use deed_domain::{
    ids::{DeviceId, ProfileId, TenantId},
    ports::{
        ListPage, PageRequest, Party, Payloads, Profile, ProfileSort, ProfileTransport, ProfileValues, Profiles,
        ProfilesError, StoreError, contains_folded, fold_case,
    },
};

use super::Registry;
use crate::memory::{Held, InMemoryStore};

impl Held {
    /// Whether a device has it: the type of a device is its profile's name.
    fn is_in_use(&self, profile: &Profile) -> bool {
        self.models.devices.device_types(profile.tenant_id).contains(&profile.name)
    }
}

impl Registry {
    /// Whether another profile, whatever its tenant, has the provision key of this one.
    fn is_key_taken(&self, profile: &Profile) -> bool {
        let key = provision_key(profile);
        key.is_some() && self.profiles.values().any(|other| other.id != profile.id && provision_key(other) == key)
    }
}

fn provision_key(profile: &Profile) -> Option<&str> {
    profile.provisioning.as_ref().map(|rule| rule.key.as_str())
}

#[async_trait]
impl Profiles for InMemoryStore {
    async fn by_name(&self, tenant_id: TenantId, name: &str) -> Result<Option<Profile>, StoreError> {
        Ok(self.held().registry.profile_named(tenant_id, name).cloned())
    }

    async fn by_id(&self, id: ProfileId) -> Result<Option<Profile>, StoreError> {
        Ok(self.held().registry.profiles.get(&id).cloned())
    }

    async fn by_provision_key(&self, key: &str) -> Result<Option<Profile>, StoreError> {
        let held = self.held();
        let mut profiles = held.registry.profiles.values();
        Ok(profiles.find(|profile| provision_key(profile) == Some(key)).cloned())
    }

    async fn payloads_of(&self, device_id: DeviceId) -> Result<Payloads, StoreError> {
        let held = self.held();
        let profile = held.models.devices.device(device_id).and_then(|row| held.registry.profiles.get(&row.profile_id));
        Ok(profile.map(|profile| profile.payloads).unwrap_or_default())
    }

    async fn default_of(&self, tenant_id: TenantId) -> Result<Option<Profile>, StoreError> {
        let held = self.held();
        let mut profiles = held.registry.profiles.values();
        Ok(profiles.find(|profile| profile.tenant_id == tenant_id && profile.is_default).cloned())
    }

    async fn profiles(
        &self,
        tenant_id: TenantId,
        transport: Option<ProfileTransport>,
        page: PageRequest<ProfileSort>,
    ) -> Result<ListPage<Profile>, StoreError> {
        let wanted = fold_case(page.text_search.as_deref().unwrap_or_default());
        let held = self.held();
        let of_tenant = held.registry.profiles.values().filter(|profile| profile.tenant_id == tenant_id);
        let mut found: Vec<_> = of_tenant
            .filter(|profile| transport.is_none_or(|transport| transport == profile.transport))
            .filter(|profile| contains_folded(&profile.name, &wanted))
            .collect();
        found.sort_by(|a, b| {
            let order = match page.sort {
                ProfileSort::Creation => (a.created_at, a.id).cmp(&(b.created_at, b.id)),
                ProfileSort::Name => a.name.cmp(&b.name),
                ProfileSort::Transport => a.transport.as_str().cmp(b.transport.as_str()),
                ProfileSort::Description => a.description.cmp(&b.description),
                ProfileSort::IsDefault => a.is_default.cmp(&b.is_default),
            };
            let order = if page.descending { order.reverse() } else { order };
            order.then_with(|| (a.created_at, a.id).cmp(&(b.created_at, b.id)))
        });
        let total = found.len() as u64;
        let before = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        Ok(ListPage { rows: found.into_iter().skip(before).take(page.page_size as usize).cloned().collect(), total })
    }

    async fn add_profile(&self, profile: Profile) -> Result<(), ProfilesError> {
        let registry = &mut self.held().registry;
        if registry.is_gone(Party::Tenant(profile.tenant_id)) {
            return Err(ProfilesError::NotFound);
        }
        if registry.profile_named(profile.tenant_id, &profile.name).is_some() {
            return Err(ProfilesError::NameTaken);
        }
        if registry.is_key_taken(&profile) {
            return Err(ProfilesError::ProvisionKeyTaken);
        }
        registry.profiles.insert(profile.id, profile);
        Ok(())
    }

    async fn save_profile(
        &self,
        id: ProfileId,
        expected_version: Option<u32>,
        values: ProfileValues,
    ) -> Result<Profile, ProfilesError> {
        let mut held = self.held();
        let stored = held.registry.profiles.get(&id).cloned().ok_or(ProfilesError::NotFound)?;
        if expected_version.is_some_and(|expected| expected != stored.version) {
            return Err(ProfilesError::VersionConflict);
        }
        if held.registry.profile_named(stored.tenant_id, &values.name).is_some_and(|other| other.id != id) {
            return Err(ProfilesError::NameTaken);
        }
        let is_kept = (&values.name, values.transport) == (&stored.name, stored.transport);
        if !is_kept && held.is_in_use(&stored) {
            return Err(ProfilesError::InUse);
        }
        let saved = Profile {
            version: stored.version + 1,
            is_default: stored.is_default,
            ..Profile::new(id, stored.tenant_id, stored.created_at, values)
        };
        if held.registry.is_key_taken(&saved) {
            return Err(ProfilesError::ProvisionKeyTaken);
        }
        held.registry.profiles.insert(id, saved.clone());
        Ok(saved)
    }

    async fn make_default(&self, id: ProfileId) -> Result<Profile, ProfilesError> {
        let profiles = &mut self.held().registry.profiles;
        let tenant_id = profiles.get(&id).ok_or(ProfilesError::NotFound)?.tenant_id;
        for profile in profiles.values_mut().filter(|profile| profile.tenant_id == tenant_id) {
            profile.is_default = profile.id == id;
        }
        profiles.get(&id).cloned().ok_or(ProfilesError::NotFound)
    }

    async fn delete_profile(&self, id: ProfileId) -> Result<(), ProfilesError> {
        let mut held = self.held();
        let stored = held.registry.profiles.get(&id).cloned().ok_or(ProfilesError::NotFound)?;
        if stored.is_default {
            return Err(ProfilesError::IsDefault);
        }
        if held.is_in_use(&stored) {
            return Err(ProfilesError::InUse);
        }
        held.registry.profiles.remove(&id);
        Ok(())
    }
}
