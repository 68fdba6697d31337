//! The devices that have to be dealt with before a tenant or customer is gone.

use async_trait::async_trait;

use crate::{
    ids::{CustomerId, DeviceId, TenantId},
    ports::StoreError,
};

/// Finds devices by whom they belong to, as the log has them at that moment.
#[async_trait]
pub trait Holdings: Send + Sync {
    /// Some of the devices that belong to it, at most `limit`; none only if there are none.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    async fn held_by(&self, holder: Holder, limit: usize) -> Result<Vec<DeviceId>, StoreError>;
}

/// Whom devices belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The tenant that registered them.
    Tenant(TenantId),
    /// The customer that owns them.
    Customer(CustomerId),
}
