//! Gateways, and the devices behind them.

use async_trait::async_trait;
use deed_domain::{
    ids::{DeviceId, TenantId},
    ports::{GatewayDevices, KnownGateway, NamedDevice, StoreError},
};

use super::Registry;
use crate::memory::InMemoryStore;

impl Registry {
    fn is_gateway(&self, device_id: DeviceId) -> bool {
        self.additional_info.get(&device_id).is_some_and(|info| info["gateway"] == true)
    }

    /// Whether the device is reached through another gateway, which is still one.
    pub(in crate::memory) fn is_anothers(&self, gateway: DeviceId, device_id: DeviceId) -> bool {
        self.gateways.get(&device_id).is_some_and(|other| *other != gateway && self.is_gateway(*other))
    }
}

#[async_trait]
impl GatewayDevices for InMemoryStore {
    async fn gateways_among(&self, device_ids: Vec<DeviceId>) -> Result<Vec<KnownGateway>, StoreError> {
        let held = self.held();
        let found = device_ids.into_iter().filter(|id| held.registry.is_gateway(*id));
        let rows = found.filter_map(|id| held.models.devices.device(id));
        Ok(rows.map(|row| KnownGateway { device_id: row.device_id, owner: row.customer_id }).collect())
    }

    async fn devices_named(&self, tenant_id: TenantId, names: Vec<String>) -> Result<Vec<NamedDevice>, StoreError> {
        let held = self.held();
        let rows = names.iter().filter_map(|name| held.models.devices.device_named(tenant_id, name));
        let named = rows.map(|row| NamedDevice {
            device_id: row.device_id,
            name: row.name.clone(),
            device_type: row.device_type.clone(),
            label: row.label.clone(),
            profile_id: row.profile_id,
            owner: row.customer_id,
            version: row.version,
            additional_info: held.registry.additional_info.get(&row.device_id).cloned(),
            gateway: held.registry.gateways.get(&row.device_id).copied(),
        });
        Ok(named.collect())
    }
}
