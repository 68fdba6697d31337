//! Claim and reclaim.

use super::{Claims, Failure, Request};
use crate::{
    claim_key::{ClaimKey, GeneratedKey},
    device::{DeviceCommand, Reclaimer, Refusal},
    ids::{CustomerId, TenantId, UserId},
    metadata::Caller,
    ports::{Appended, Counted, Party, Target},
};

impl Claims {
    /// A customer's user presents a device's name and a key; the customer becomes the owner. The owner that presents
    /// the same key again gets the same answer. A key that the service made may be typed in small letters and without
    /// its hyphens.
    ///
    /// # Errors
    /// Every [`crate::device::Refusal`] of a claim; each is recorded, but for a device that does not exist.
    /// [`crate::ports::AppendError::Gone`] if the customer is being deleted.
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
        let made = GeneratedKey::canonical(key.expose()).filter(|made| made.expose() != key.expose());
        let made = made.map(|made| self.digest_later(tenant_id, made));
        request.parties.push(Party::Customer(customer_id));
        let digest = self.digest_later(tenant_id, key);
        let appended = self
            .append(caller, request, move |device_id| {
                let key = digest(device_id);
                let key = match &made {
                    Some(made) => key.or(made(device_id)),
                    None => key,
                };
                vec![DeviceCommand::ClaimDevice { customer_id, user_id, key }]
            })
            .await?;
        // A command that is sent again gets its old answer and the device as it is now: that is no longer the caller's
        // business if the device has changed hands since.
        match appended.device.registered() {
            Some(device) if device.owner_id() == Some(customer_id) => Ok(appended),
            Some(_) => Err(Refusal::NotOwner.into()),
            None => Err(Refusal::DeviceNotFound.into()),
        }
    }

    /// Refuses a claim by somebody who never may claim, whatever the key: who reads for the public customer. That it was
    /// tried is recorded; no key is compared. Tells what came of it: [`Refusal::ClaimingNotAllowed`],
    /// [`Refusal::DeviceNotFound`], or that nothing could be recorded.
    pub async fn refuse_claim(
        &self,
        caller: &Caller,
        tenant_id: TenantId,
        device_name: &str,
        customer_id: CustomerId,
        user_id: UserId,
    ) -> Failure {
        let mut request = Request::to(tenant_id, Target::Named(tenant_id, device_name.to_owned()));
        request.counted = Counted::Claimant(customer_id);
        let refuse = move |_| vec![DeviceCommand::RefuseClaim { customer_id, user_id }];
        self.append(caller, request, refuse).await.err().unwrap_or_else(|| Refusal::ClaimingNotAllowed.into())
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
