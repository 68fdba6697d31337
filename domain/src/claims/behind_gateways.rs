//! Devices that gateways make and reach.

use serde_json::Value;

use super::{Claims, DeviceAttributes, Failure, NewDevice, Request};
use crate::{
    device::{DeviceCommand, OwnerChange, Refusal},
    ids::{DeviceId, TenantId},
    metadata::Caller,
    ports::{Appended, Counted, DeviceIdentity, NamedDevice, RegistryWrite, Target, UniqueClaim},
};

impl Claims {
    /// Adds a device as [`Claims::register`] does, reached through that gateway.
    ///
    /// # Errors
    /// As [`Claims::register`].
    pub(crate) async fn register_behind(
        &self,
        caller: &Caller,
        tenant_id: TenantId,
        new: NewDevice,
        gateway: DeviceId,
    ) -> Result<Appended, Failure> {
        let device = DeviceIdentity::new(tenant_id, self.new_device_id());
        self.register_as(caller, device, new, DeviceAttributes::default(), Some(gateway)).await
    }

    /// From now on the device is reached through that gateway. Another `additionalInfo` is a save of the device, on
    /// which nobody else's may have come in between; without one nothing is to be seen of it in the log.
    ///
    /// # Errors
    /// [`Refusal::VersionConflict`]; [`crate::ports::AppendError::Taken`] if another gateway has it.
    pub(crate) async fn take_behind(
        &self,
        caller: &Caller,
        tenant_id: TenantId,
        device: &NamedDevice,
        gateway: DeviceId,
        info: Option<Value>,
    ) -> Result<Appended, Failure> {
        let mut request = Request::to(tenant_id, Target::Device(device.device_id));
        request.unique.push(UniqueClaim::Gateway(gateway));
        request.registry.push(RegistryWrite::PutGateway(device.device_id, gateway));
        let mut commands = Vec::new();
        if info.is_some() {
            request.registry.push(RegistryWrite::PutAdditionalInfo(device.device_id, info));
            commands.push(DeviceCommand::ChangeDevice {
                expected_version: Some(device.version),
                name: device.name.clone(),
                device_type: device.device_type.clone(),
                label: device.label.clone(),
                profile_id: device.profile_id,
                owner: OwnerChange::Keep,
            });
        }
        self.append(caller, request, move |_| commands.clone()).await
    }

    /// Records that a gateway offered a key for a device that another one has. The answer is
    /// [`Refusal::NotItsGateway`], [`Refusal::AlreadyClaimed`] if the device has an owner, or why that could not be
    /// recorded.
    pub(crate) async fn refuse_gateway(&self, caller: &Caller, device: DeviceIdentity) -> Failure {
        let mut request = Request::to(device.tenant_id, Target::Device(device.device_id));
        request.counted = Counted::Refusals;
        let appended = self.append(caller, request, |_| vec![DeviceCommand::RefuseGateway]).await;
        appended.map_or_else(|failure| failure, |_| Refusal::NotItsGateway.into())
    }
}
