//! The devices that exist.

use std::collections::HashMap;

use async_trait::async_trait;
use deed_domain::{
    device::DeviceEvent,
    ids::{CustomerId, DeviceId, Position, ProfileId, TenantId},
    ports::{ListPage, PageRequest, StoreError},
    time::Timestamp,
};
use serde::Serialize;

use crate::{
    device_filter::{DeviceFilter, DeviceOrder},
    projection::{Projection, Recorded},
};

/// The devices that exist, with their owner and version.
pub struct DeviceList;

/// A device that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRow {
    /// Where its registration stands in the log: devices by this are devices in order of creation.
    pub position: Position,
    /// The device.
    pub device_id: DeviceId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The owner, if there is one.
    pub customer_id: Option<CustomerId>,
    /// Unique among the tenant's devices.
    pub name: String,
    /// The name of its profile.
    pub device_type: String,
    /// A free text for people.
    pub label: Option<String>,
    /// Its profile.
    pub profile_id: ProfileId,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Counted as the REST contract counts.
    pub version: u32,
}

/// A change of the device list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceListChange {
    /// A device is there.
    Insert(DeviceRow),
    /// It was saved.
    Save {
        /// The device.
        device_id: DeviceId,
        /// Its name from now on.
        name: String,
        /// The name of its profile.
        device_type: String,
        /// A free text for people.
        label: Option<String>,
        /// Its profile.
        profile_id: ProfileId,
        /// Its version from now on.
        version: u32,
    },
    /// It changed hands.
    SetOwner {
        /// The device.
        device_id: DeviceId,
        /// The owner from now on.
        customer_id: Option<CustomerId>,
        /// Its version from now on.
        version: u32,
    },
    /// It is gone.
    Delete(DeviceId),
}

/// Asks for devices.
#[async_trait]
pub trait DeviceListQuery: Send + Sync {
    /// The device of that id, whatever its tenant.
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn device(&self, device_id: DeviceId) -> Result<Option<DeviceRow>, StoreError>;

    /// The names of those of these devices that exist, whatever their tenants.
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn device_names(&self, ids: &[DeviceId]) -> Result<HashMap<DeviceId, String>, StoreError>;

    /// The tenant's device of that name.
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn device_named(&self, tenant_id: TenantId, name: &str) -> Result<Option<DeviceRow>, StoreError>;

    /// A page of the devices that the filter lets through, in the order of [`DeviceOrder`].
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn devices(
        &self,
        filter: &DeviceFilter,
        page: &PageRequest<DeviceOrder>,
    ) -> Result<ListPage<DeviceRow>, StoreError>;

    /// The names of the profiles that the tenant's devices have, in their order.
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn device_types(&self, tenant_id: TenantId) -> Result<Vec<String>, StoreError>;

    /// How many devices exist, over all tenants.
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn device_count(&self) -> Result<u64, StoreError>;
}

impl Projection for DeviceList {
    const NAME: &'static str = "device_list";
    const VERSION: u32 = 2;
    type Change = DeviceListChange;

    fn project(event: &Recorded<'_>, changes: &mut Vec<DeviceListChange>) {
        let device_id = event.device_id;
        let owner = |customer_id, version| DeviceListChange::SetOwner { device_id, customer_id, version };
        changes.push(match event.event {
            DeviceEvent::DeviceRegistered { at, tenant_id, name, device_type, label, profile_id } => {
                DeviceListChange::Insert(DeviceRow {
                    position: event.position,
                    device_id,
                    tenant_id: *tenant_id,
                    customer_id: None,
                    name: name.clone(),
                    device_type: device_type.clone(),
                    label: label.clone(),
                    profile_id: *profile_id,
                    created_at: *at,
                    version: 1,
                })
            }
            DeviceEvent::DeviceChanged { version, name, device_type, label, profile_id, .. } => {
                DeviceListChange::Save {
                    device_id,
                    name: name.clone(),
                    device_type: device_type.clone(),
                    label: label.clone(),
                    profile_id: *profile_id,
                    version: *version,
                }
            }
            DeviceEvent::DeviceRemoved { .. } => DeviceListChange::Delete(device_id),
            DeviceEvent::DeviceClaimed { customer_id, version, .. }
            | DeviceEvent::DeviceAssigned { customer_id, version, .. } => owner(Some(*customer_id), *version),
            DeviceEvent::DeviceReclaimed { version, .. } | DeviceEvent::DeviceUnassigned { version, .. } => {
                owner(None, *version)
            }
            DeviceEvent::ClaimingAllowed { .. }
            | DeviceEvent::ClaimingDisallowed { .. }
            | DeviceEvent::ClaimIssued { .. }
            | DeviceEvent::ClaimRevoked { .. }
            | DeviceEvent::IssueRefused { .. }
            | DeviceEvent::ClaimExpired { .. }
            | DeviceEvent::ClaimRefused { .. }
            | DeviceEvent::ClaimantLocked { .. } => return,
        });
    }
}
