use std::collections::BTreeMap;

use deed_domain::ids::{DeviceId, TenantId};
use serde::Serialize;

use crate::{DeviceListChange, DeviceRow, testing::ReadModel};

/// The devices that exist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct InMemoryDeviceList(BTreeMap<DeviceId, DeviceRow>);

impl InMemoryDeviceList {
    /// The device of that id, whatever its tenant.
    pub fn device(&self, device_id: DeviceId) -> Option<&DeviceRow> {
        self.0.get(&device_id)
    }

    /// The tenant's device of that name.
    pub fn device_named(&self, tenant_id: TenantId, name: &str) -> Option<&DeviceRow> {
        self.0.values().find(|row| row.tenant_id == tenant_id && row.name == name)
    }

    /// All of them, by id.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &DeviceRow> {
        self.0.values()
    }
}

impl ReadModel<DeviceListChange> for InMemoryDeviceList {
    fn apply(&mut self, change: DeviceListChange) {
        match change {
            DeviceListChange::Insert(row) => {
                self.0.insert(row.device_id, row);
            }
            DeviceListChange::Save { device_id, name, device_type, label, profile_id, version } => {
                if let Some(row) = self.0.get_mut(&device_id) {
                    *row = DeviceRow { name, device_type, label, profile_id, version, ..*row };
                }
            }
            DeviceListChange::SetOwner { device_id, customer_id, version } => {
                if let Some(row) = self.0.get_mut(&device_id) {
                    (row.customer_id, row.version) = (customer_id, version);
                }
            }
            DeviceListChange::Delete(device_id) => {
                self.0.remove(&device_id);
            }
        }
    }
}
