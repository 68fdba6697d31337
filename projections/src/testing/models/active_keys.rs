use std::collections::BTreeMap;

use deed_domain::ids::{DeviceId, KeyId};
use serde::Serialize;

use crate::{ActiveKeyRow, ActiveKeysChange, testing::ReadModel};

/// The keys that claim a device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct InMemoryActiveKeys(BTreeMap<DeviceId, BTreeMap<KeyId, ActiveKeyRow>>);

impl InMemoryActiveKeys {
    /// A device's keys, by id.
    pub fn of_device(&self, device_id: DeviceId) -> impl Iterator<Item = &ActiveKeyRow> {
        self.0.get(&device_id).into_iter().flat_map(BTreeMap::values)
    }

    /// The keys of all devices.
    pub fn rows(&self) -> impl Iterator<Item = &ActiveKeyRow> {
        self.0.values().flat_map(BTreeMap::values)
    }
}

impl ReadModel<ActiveKeysChange> for InMemoryActiveKeys {
    fn apply(&mut self, change: ActiveKeysChange) {
        match change {
            ActiveKeysChange::Insert(row) => {
                self.0.entry(row.device_id).or_default().insert(row.key_id, row);
            }
            ActiveKeysChange::Delete { device_id, key_id } => {
                if let Some(keys) = self.0.get_mut(&device_id) {
                    keys.remove(&key_id);
                    if keys.is_empty() {
                        self.0.remove(&device_id);
                    }
                }
            }
        }
    }
}
