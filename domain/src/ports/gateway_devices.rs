//! Gateways, and the devices behind them.

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    ids::{CustomerId, DeviceId, ProfileId, TenantId},
    ports::StoreError,
};

/// Knows which devices are gateways, and through which a device is reached. That a device is reached through a gateway is
/// written together with a command: see [`crate::ports::RegistryWrite::PutGateway`].
#[async_trait]
pub trait GatewayDevices: Send + Sync {
    /// Those among these devices whose `additionalInfo` says `"gateway": true` at that moment. A look-up by key, so that
    /// it can be asked at each message.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn gateways_among(&self, device_ids: Vec<DeviceId>) -> Result<Vec<KnownGateway>, StoreError>;

    /// The tenant's devices of these names, as far as there are any.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn devices_named(&self, tenant_id: TenantId, names: Vec<String>) -> Result<Vec<NamedDevice>, StoreError>;
}

/// A device that is a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownGateway {
    /// The device.
    pub device_id: DeviceId,
    /// Its owner, if it has one.
    pub owner: Option<CustomerId>,
}

/// A device that a gateway names.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedDevice {
    /// The device.
    pub device_id: DeviceId,
    /// What it is called.
    pub name: String,
    /// The name of its profile.
    pub device_type: String,
    /// A free text for people.
    pub label: Option<String>,
    /// Its profile.
    pub profile_id: ProfileId,
    /// Its owner, if it has one.
    pub owner: Option<CustomerId>,
    /// Its version.
    pub version: u32,
    /// Whatever clients keep there.
    pub additional_info: Option<Value>,
    /// The gateway that made it or through which it was first reached, whether or not that is still a gateway.
    pub gateway: Option<DeviceId>,
}
