//! The read models, kept up to date with the log.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use deed_domain::{
    claim_key::PepperId,
    ids::{DeviceId, Position, TenantId},
    ports::{ListPage, PageRequest, StoreError},
    time::Timestamp,
};
use deed_projections::{
    ActiveKeyRow, ActiveKeys, ActiveKeysQuery, ClaimHistory, ClaimHistoryQuery, ClaimHistoryRow, DeviceFilter,
    DeviceList, DeviceListQuery, DeviceOrder, DeviceRow, DueDevice, Ownership, OwnershipQuery, OwnershipSpan,
    Projection, Recorded,
    testing::{InMemoryActiveKeys, InMemoryClaimHistory, InMemoryDeviceList, InMemoryOwnership, ReadModel},
};

use super::InMemoryStore;

#[derive(Default)]
pub(super) struct Models {
    pub(super) devices: InMemoryDeviceList,
    ownership: InMemoryOwnership,
    keys: InMemoryActiveKeys,
    history: InMemoryClaimHistory,
}

impl Models {
    pub(super) fn project(&mut self, event: &Recorded<'_>) {
        apply::<DeviceList>(event, &mut self.devices);
        apply::<Ownership>(event, &mut self.ownership);
        apply::<ActiveKeys>(event, &mut self.keys);
        apply::<ClaimHistory>(event, &mut self.history);
    }
}

fn apply<P: Projection>(event: &Recorded<'_>, model: &mut impl ReadModel<P::Change>) {
    let mut changes = Vec::new();
    P::project(event, &mut changes);
    changes.into_iter().for_each(|change| model.apply(change));
}

#[async_trait]
impl DeviceListQuery for InMemoryStore {
    async fn device(&self, device_id: DeviceId) -> Result<Option<DeviceRow>, StoreError> {
        Ok(self.held().models.devices.device(device_id).cloned())
    }

    async fn device_names(&self, ids: &[DeviceId]) -> Result<HashMap<DeviceId, String>, StoreError> {
        let held = self.held();
        let name = |id: &DeviceId| Some((*id, held.models.devices.device(*id)?.name.clone()));
        Ok(ids.iter().filter_map(name).collect())
    }

    async fn device_named(&self, tenant_id: TenantId, name: &str) -> Result<Option<DeviceRow>, StoreError> {
        Ok(self.held().models.devices.device_named(tenant_id, name).cloned())
    }

    async fn devices(
        &self,
        filter: &DeviceFilter,
        page: &PageRequest<DeviceOrder>,
    ) -> Result<ListPage<DeviceRow>, StoreError> {
        let held = self.held();
        let Models { devices, keys, .. } = &held.models;
        Ok(devices.devices(filter, page, keys, |owner| held.registry.customer_title(owner)))
    }

    async fn device_types(&self, tenant_id: TenantId) -> Result<Vec<String>, StoreError> {
        Ok(self.held().models.devices.device_types(tenant_id).into_iter().collect())
    }

    async fn device_count(&self) -> Result<u64, StoreError> {
        Ok(self.held().models.devices.rows().map(|_| 1).sum())
    }
}

#[async_trait]
impl OwnershipQuery for InMemoryStore {
    async fn ownerships(&self, device_id: DeviceId) -> Result<Vec<OwnershipSpan>, StoreError> {
        Ok(self.held().models.ownership.ownerships(device_id).to_vec())
    }
}

#[async_trait]
impl ActiveKeysQuery for InMemoryStore {
    async fn active_keys(&self, device_id: DeviceId) -> Result<Vec<ActiveKeyRow>, StoreError> {
        let mut keys: Vec<_> = self.held().models.keys.of_device(device_id).cloned().collect();
        keys.sort_by_key(|key| (key.issued_at, key.key_id));
        Ok(keys)
    }

    async fn next_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.held().models.keys.rows().map(|key| key.expires_at).min())
    }

    async fn take_due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueDevice>, StoreError> {
        let mut overdue: Vec<_> = self.held().models.keys.rows().filter(|key| key.expires_at < now).cloned().collect();
        overdue.sort_by_key(|key| (key.expires_at, key.device_id));
        let mut due: Vec<DueDevice> = Vec::new();
        for ActiveKeyRow { tenant_id, device_id, .. } in overdue {
            if due.len() < limit && due.iter().all(|known| known.device_id != device_id) {
                due.push(DueDevice { tenant_id, device_id });
            }
        }
        Ok(due)
    }

    async fn peppers(&self) -> Result<Vec<PepperId>, StoreError> {
        let peppers: BTreeSet<_> = self.held().models.keys.rows().map(|key| key.pepper.clone()).collect();
        Ok(peppers.into_iter().collect())
    }

    async fn active_key_count(&self) -> Result<u64, StoreError> {
        Ok(self.held().models.keys.rows().map(|_| 1).sum())
    }
}

#[async_trait]
impl ClaimHistoryQuery for InMemoryStore {
    async fn claim_history(
        &self,
        device_id: DeviceId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<ClaimHistoryRow>, StoreError> {
        Ok(self.held().models.history.of_device(device_id, after).take(limit).cloned().collect())
    }
}
