//! Which devices a tenant or customer has.

use async_trait::async_trait;
use deed_domain::{
    ids::DeviceId,
    ports::{Holder, Holdings, StoreError},
};

use super::InMemoryStore;

#[async_trait]
impl Holdings for InMemoryStore {
    async fn held_by(&self, holder: Holder, limit: usize) -> Result<Vec<DeviceId>, StoreError> {
        let held = self.held();
        let belonging = held.models.devices.rows().filter(|row| match holder {
            Holder::Tenant(id) => row.tenant_id == id,
            Holder::Customer(id) => row.customer_id == Some(id),
        });
        Ok(belonging.take(limit).map(|row| row.device_id).collect())
    }
}
