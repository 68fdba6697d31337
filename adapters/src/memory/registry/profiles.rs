//! Device profiles.

use async_trait::async_trait;
use deed_domain::{
    ids::{ProfileId, TenantId},
    ports::{Profile, Profiles, StoreError},
};

use crate::memory::InMemoryStore;

#[async_trait]
impl Profiles for InMemoryStore {
    async fn by_name(&self, tenant_id: TenantId, name: &str) -> Result<Option<Profile>, StoreError> {
        Ok(self.held().registry.profile_named(tenant_id, name).cloned())
    }

    async fn by_id(&self, id: ProfileId) -> Result<Option<Profile>, StoreError> {
        Ok(self.held().registry.profiles.get(&id).cloned())
    }
}
