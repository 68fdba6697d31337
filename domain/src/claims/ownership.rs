//! Claim and reclaim.

use super::{Claims, Failure, Request};
use crate::{
    claim_key::ClaimKey,
    device::{DeviceCommand, Reclaimer},
    ids::{CustomerId, TenantId, UserId},
    metadata::Caller,
    ports::{Appended, Counted, Target},
};

impl Claims {
    /// A customer's user presents a device's name and a key; the customer becomes the owner. The owner that presents
    /// the same key again gets the same answer.
    ///
    /// # Errors
    /// Every [`crate::device::Refusal`] of a claim; each is recorded, but for a device that does not exist.
    pub async fn claim(
        &self,
        caller: &Caller,
        tenant_id: TenantId,
        device_name: &str,
        customer_id: CustomerId,
        user_id: UserId,
        key: ClaimKey,
    ) -> Result<Appended, Failure> {
        let mut request = Request::to(tenant_id, Target::Named(tenant_id, device_name.to_owned()));
        request.counted = Counted::Claimant(customer_id);
        let digest = self.digest_later(tenant_id, key);
        self.append(caller, request, move |device_id| {
            vec![DeviceCommand::ClaimDevice { customer_id, user_id, key: digest(device_id) }]
        })
        .await
    }

    /// Gives the device back to the tenant. Of a device without an owner, a customer changes nothing and an
    /// administrator closes the open window.
    ///
    /// # Errors
    /// [`crate::device::Refusal::NotOwner`] if it belongs to another customer.
    pub async fn reclaim(
        &self,
        caller: &Caller,
        tenant_id: TenantId,
        device_name: &str,
        by: Reclaimer,
    ) -> Result<Appended, Failure> {
        let request = Request::to(tenant_id, Target::Named(tenant_id, device_name.to_owned()));
        self.append(caller, request, move |_| vec![DeviceCommand::ReclaimDevice { by }]).await
    }
}
