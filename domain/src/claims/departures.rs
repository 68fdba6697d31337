//! What becomes of a device when its owner is deleted.

use super::{Claims, Failure, Request};
use crate::{
    device::{DeviceCommand, UnassignReason},
    ids::{CustomerId, DeviceId, TenantId},
    metadata::Caller,
    ports::{Appended, Target},
};

impl Claims {
    /// Takes the device from a customer that is being deleted. If it has another owner by now, or none, nothing happens.
    ///
    /// # Errors
    /// [`crate::device::Refusal::DeviceNotFound`].
    pub async fn take_from_deleted(
        &self,
        caller: &Caller,
        tenant_id: TenantId,
        device_id: DeviceId,
        customer_id: CustomerId,
    ) -> Result<Appended, Failure> {
        let request = Request::to(tenant_id, Target::Device(device_id));
        let command =
            DeviceCommand::UnassignDevice { reason: UnassignReason::CustomerDeleted, only_from: Some(customer_id) };
        self.append(caller, request, move |_| vec![command.clone()]).await
    }
}
