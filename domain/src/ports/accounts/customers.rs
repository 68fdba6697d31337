//! Customers of tenants.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{AccountSort, AccountsError, Contact};
use crate::{
    ids::{CustomerId, TenantId},
    ports::{ListPage, PageRequest, StoreError},
    time::Timestamp,
};

/// The title of the customer that everybody may speak for. No other customer can have it.
pub const PUBLIC_CUSTOMER: &str = "Public";

/// Keeps customers. One that is being deleted is not there any more for whoever asks.
#[async_trait]
pub trait Customers: Send + Sync {
    /// Adds a customer.
    ///
    /// # Errors
    /// [`AccountsError::TitleTaken`] if the tenant has a customer of that title.
    async fn add_customer(&self, customer: Customer) -> Result<(), AccountsError>;

    /// Replaces what a customer is called and described by, and counts the save; gives the customer as it is then.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]; [`AccountsError::VersionConflict`] if its version is not the expected one, where one
    /// is expected; [`AccountsError::TitleTaken`].
    async fn save_customer(
        &self,
        id: CustomerId,
        expected_version: Option<u32>,
        values: CustomerValues,
    ) -> Result<Customer, AccountsError>;

    /// The customer of that id, whatever its tenant.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError>;

    /// The tenant's customer of that title.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn customer_titled(&self, tenant_id: TenantId, title: &str) -> Result<Option<Customer>, StoreError>;

    /// A page of the tenant's customers; their titles are searched.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn customers(
        &self,
        tenant_id: TenantId,
        page: PageRequest<AccountSort>,
    ) -> Result<ListPage<Customer>, StoreError>;

    /// The tenant's public customer; if there is none, it is added with that id. Of many who ask at once all get the
    /// same.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read or written.
    async fn public_customer(&self, tenant_id: TenantId, new_id: CustomerId) -> Result<Customer, StoreError>;

    /// Marks the customer as being deleted: from then on nobody signs in for it, no command makes it an owner, and its
    /// title is free. `false` if it is not there.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be written.
    async fn mark_customer(&self, id: CustomerId) -> Result<bool, StoreError>;

    /// The customers that are being deleted, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn marked_customers(&self) -> Result<Vec<(TenantId, CustomerId)>, StoreError>;

    /// Erases a marked customer, its users, and all that belongs to them: logins, attributes, counts. What stays is its
    /// id, so that no command under way makes it an owner.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be written.
    async fn erase_customer(&self, id: CustomerId) -> Result<(), StoreError>;
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
    /// Where it can be reached.
    pub contact: Contact,
    /// Whatever clients keep there.
    pub additional_info: Option<Value>,
}

/// What a save replaces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomerValues {
    /// Unique among the tenant's customers.
    pub title: String,
    /// Where it can be reached.
    pub contact: Contact,
    /// Whatever clients keep there.
    pub additional_info: Option<Value>,
}

impl Customer {
    /// A new customer with these values.
    pub fn new(id: CustomerId, tenant_id: TenantId, created_at: Timestamp, values: CustomerValues) -> Self {
        let CustomerValues { title, contact, additional_info } = values;
        Self { id, tenant_id, title, created_at, version: 1, contact, additional_info }
    }

    /// A new customer of that title, of which nothing else is known.
    pub fn titled(id: CustomerId, tenant_id: TenantId, created_at: Timestamp, title: &str) -> Self {
        Self::new(id, tenant_id, created_at, CustomerValues { title: title.to_owned(), ..CustomerValues::default() })
    }

    /// The public customer of a tenant.
    pub fn public(id: CustomerId, tenant_id: TenantId, created_at: Timestamp) -> Self {
        let additional_info = Some(json!({ "isPublic": true }));
        Self { additional_info, ..Self::titled(id, tenant_id, created_at, PUBLIC_CUSTOMER) }
    }

    /// Whether everybody may speak for it. Decided by the reserved title: what clients keep in `additional_info` makes no
    /// customer public.
    pub fn is_public(&self) -> bool {
        self.title == PUBLIC_CUSTOMER
    }
}
