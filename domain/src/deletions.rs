//! How a customer or a tenant goes.
//!
//! A deletion is marked first, in one write. From then on nobody signs in, and the store lets no command give a device to
//! who is going, so what has to be cleared away only becomes less. Then the devices are dealt with in batches, and in the
//! end the registry is erased. Every step can be repeated, so whoever finds a mark can go on: the request that set it, or
//! a worker after a restart.

use std::{future::Future, sync::Arc};

use crate::{
    claims::{Claims, Failure},
    device::Refusal,
    ids::{CustomerId, DeviceId, TenantId},
    metadata::Caller,
    ports::{Accounts, AppendError, Appended, Holder, Holdings, StoreError},
    together::together,
};

/// With at most so many devices a deletion is finished before it is answered.
pub const FINISHED_AT_ONCE: usize = 1_000;
/// Devices that are dealt with at the same time, so that they share transactions.
const BATCH: usize = 256;

/// Deletes customers and tenants.
#[derive(Clone)]
pub struct Deletions {
    claims: Claims,
    accounts: Arc<dyn Accounts>,
    holdings: Arc<dyn Holdings>,
}

/// How far a deletion has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// Who should be deleted is not there, or is being deleted already.
    NotFound,
    /// Nothing is left.
    Done,
    /// It is marked; [`Deletions::go_on`] does the rest.
    Begun,
}

impl Deletions {
    /// Deletions over these.
    pub fn new(claims: Claims, accounts: Arc<dyn Accounts>, holdings: Arc<dyn Holdings>) -> Self {
        Self { claims, accounts, holdings }
    }

    /// Deletes a customer. Its devices become the tenant's again, and their keys are revoked.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be marked. What goes wrong later is not an error: the deletion goes on.
    pub async fn delete_customer(
        &self,
        caller: &Caller,
        tenant_id: TenantId,
        id: CustomerId,
    ) -> Result<Deletion, StoreError> {
        if !self.accounts.mark_customer(id).await? {
            return Ok(Deletion::NotFound);
        }
        let finished =
            self.is_small(Holder::Customer(id)).await && self.finish_customer(caller, tenant_id, id).await.is_ok();
        Ok(if finished { Deletion::Done } else { Deletion::Begun })
    }

    /// Deletes a tenant with its devices, whose events stay.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be marked. What goes wrong later is not an error: the deletion goes on.
    pub async fn delete_tenant(&self, caller: &Caller, id: TenantId) -> Result<Deletion, StoreError> {
        if !self.accounts.mark_tenant(id).await? {
            return Ok(Deletion::NotFound);
        }
        let finished = self.is_small(Holder::Tenant(id)).await && self.finish_tenant(caller, id).await.is_ok();
        Ok(if finished { Deletion::Done } else { Deletion::Begun })
    }

    /// Finishes every deletion that is marked; gives their number.
    ///
    /// # Errors
    /// [`Failure`] of the first one that could not be finished; trying again goes on with it.
    pub async fn go_on(&self, caller: &Caller) -> Result<usize, Failure> {
        let customers = self.accounts.marked_customers().await.map_err(AppendError::from)?;
        let tenants = self.accounts.marked_tenants().await.map_err(AppendError::from)?;
        for (tenant_id, id) in &customers {
            self.finish_customer(caller, *tenant_id, *id).await?;
        }
        for id in &tenants {
            self.finish_tenant(caller, *id).await?;
        }
        Ok(customers.len() + tenants.len())
    }

    async fn is_small(&self, holder: Holder) -> bool {
        self.holdings.held_by(holder, FINISHED_AT_ONCE + 1).await.is_ok_and(|held| held.len() <= FINISHED_AT_ONCE)
    }

    async fn finish_customer(&self, caller: &Caller, tenant_id: TenantId, id: CustomerId) -> Result<(), Failure> {
        let caller = unnamed(caller);
        self.clear(Holder::Customer(id), |device_id| self.claims.take_from_deleted(&caller, tenant_id, device_id, id))
            .await?;
        Ok(self.accounts.erase_customer(id).await.map_err(AppendError::from)?)
    }

    async fn finish_tenant(&self, caller: &Caller, id: TenantId) -> Result<(), Failure> {
        let caller = unnamed(caller);
        self.clear(Holder::Tenant(id), |device_id| self.claims.remove(&caller, id, device_id)).await?;
        Ok(self.accounts.erase_tenant(id).await.map_err(AppendError::from)?)
    }

    /// Lets go of devices until there are none.
    async fn clear<F: Future<Output = Result<Appended, Failure>>>(
        &self,
        holder: Holder,
        let_go: impl Fn(DeviceId) -> F,
    ) -> Result<(), Failure> {
        loop {
            let held = self.holdings.held_by(holder, BATCH).await.map_err(AppendError::from)?;
            if held.is_empty() {
                return Ok(());
            }
            for result in together(held.into_iter().map(&let_go)).await {
                match result {
                    // Somebody else has deleted the device meanwhile.
                    Ok(_) | Err(Failure::Refused(Refusal::DeviceNotFound)) => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
    }
}

/// The caller of many commands: none of them bears the name of the request.
fn unnamed(caller: &Caller) -> Caller {
    Caller { command_id: None, ..caller.clone() }
}
