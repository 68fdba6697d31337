//! Attributes that are written together with their device.

use serde_json::Value;

use super::{ClaimingChange, Claims, Failure, Request};
use crate::{
    device::DeviceCommand,
    ids::DeviceId,
    metadata::Caller,
    ports::{AttributeScope, Counted, DeviceIdentity, Entity, RegistryWrite, Target},
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

impl Claims {
    /// Writes attributes of the device's own, each key once. All of them together may then have `most` bytes of keys and
    /// of values as JSON; a device that has more already may write what leaves it with no more than before.
    ///
    /// # Errors
    /// [`crate::device::Refusal::AttributesFull`], [`crate::device::Refusal::DeviceNotFound`]; none of them was written
    /// then.
    pub async fn write_own_attributes(
        &self,
        caller: &Caller,
        device: DeviceIdentity,
        put: Vec<(String, Value)>,
        most: u64,
    ) -> Result<(), Failure> {
        let size = |(key, value): &(String, Value)| key.len() + value.to_string().len();
        let bytes = put.iter().map(size).sum::<usize>().try_into().unwrap_or(u64::MAX);
        let mut request = Request::to(device.tenant_id, Target::Device(device.device_id));
        request.counted = Counted::OwnAttributes(put.iter().map(|(key, _)| key.clone()).collect());
        let entity = Entity::Device(device.device_id);
        request.registry = vec![RegistryWrite::PutAttributes(entity, AttributeScope::Client, put)];
        let command = move |_| vec![DeviceCommand::PutOwnAttributes { bytes, most }];
        self.append(caller, request, command).await.map(drop)
    }
}
