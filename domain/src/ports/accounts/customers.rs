//! Customers of tenants.

use async_trait::async_trait;
use serde_json::Value;

use super::AccountsError;
use crate::{
    ids::{CustomerId, TenantId},
    ports::StoreError,
    time::Timestamp,
};

/// Keeps customers.
#[async_trait]
pub trait Customers: Send + Sync {
    /// Adds a customer.
    ///
    /// # Errors
    /// [`AccountsError::TitleTaken`] if the tenant has a customer of that title.
    async fn add_customer(&self, customer: Customer) -> Result<(), AccountsError>;

    /// The customer of that id, whatever its tenant.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError>;
}

/// An organisation or household that can own devices.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// The customer.
    pub id: CustomerId,
    /// Whose customer it is.
    pub tenant_id: TenantId,
    /// Unique among the tenant's customers.
    pub title: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// One more for each save.
    pub version: u32,
    /// Whatever clients keep there.
    pub additional_info: Option<Value>,
}
