//! What devices authenticate with.

use async_trait::async_trait;
use deed_domain::{
    ids::DeviceId,
    ports::{Credentials, CredentialsKind, DeviceCredentials, DeviceIdentity, DeviceToken, StoreError},
};

use crate::memory::InMemoryStore;

#[async_trait]
impl Credentials for InMemoryStore {
    async fn by_access_token(&self, token: &DeviceToken) -> Result<Option<DeviceIdentity>, StoreError> {
        let held = self.held();
        let found = held
            .registry
            .credentials
            .values()
            .find(|found| found.kind == CredentialsKind::AccessToken && found.credentials_id == *token);
        Ok(found.map(|found| DeviceIdentity::new(found.tenant_id, found.device_id)))
    }

    async fn by_credentials_id(&self, id: &DeviceToken) -> Result<Option<DeviceCredentials>, StoreError> {
        Ok(self.held().registry.credentials.values().find(|found| found.credentials_id == *id).cloned())
    }

    async fn of_device(&self, device_id: DeviceId) -> Result<Option<DeviceCredentials>, StoreError> {
        Ok(self.held().registry.credentials.get(&device_id).cloned())
    }
}
