//! Attributes that are written together with their device.

use serde_json::Value;

use super::ClaimingChange;
use crate::{
    ids::DeviceId,
    ports::{AttributeScope, Entity, RegistryWrite},
};

/// Attributes of a device that is added or saved.
#[derive(Clone, Debug, Default)]
pub struct DeviceAttributes {
    /// What becomes of the claiming ones.
    pub claiming: ClaimingChange,
    /// Plain ones that people see.
    pub server: Vec<(String, Value)>,
    /// Plain ones that the device sees, too.
    pub shared: Vec<(String, Value)>,
}

impl DeviceAttributes {
    /// The writes of the plain ones.
    pub(super) fn plain(&self, device_id: DeviceId) -> impl Iterator<Item = RegistryWrite> {
        let scopes = [(AttributeScope::Server, &self.server), (AttributeScope::Shared, &self.shared)];
        scopes.into_iter().filter(|(_, attributes)| !attributes.is_empty()).map(move |(scope, attributes)| {
            RegistryWrite::PutAttributes(Entity::Device(device_id), scope, attributes.clone())
        })
    }
}
