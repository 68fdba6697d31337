//! Tenants.

use async_trait::async_trait;
use serde_json::Value;

use super::{AccountSort, AccountsError, Contact};
use crate::{
    ids::TenantId,
    ports::{ListPage, PageRequest, Profile, StoreError},
    time::Timestamp,
};

/// Keeps tenants. One that is being deleted is not there any more for whoever asks.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// Adds a tenant with its default profile.
    ///
    /// # Errors
    /// [`AccountsError`].
    async fn add_tenant(&self, tenant: Tenant, default_profile: Profile) -> Result<(), AccountsError>;

    /// Replaces what a tenant is called and described by, and counts the save; gives the tenant as it is then.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]; [`AccountsError::VersionConflict`] if its version is not the expected one, where one
    /// is expected.
    async fn save_tenant(
        &self,
        id: TenantId,
        expected_version: Option<u32>,
        values: TenantValues,
    ) -> Result<Tenant, AccountsError>;

    /// The tenant of that id.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError>;

    /// A page of all tenants; their titles are searched.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn tenants(&self, page: PageRequest<AccountSort>) -> Result<ListPage<Tenant>, StoreError>;

    /// Marks the tenant as being deleted: from then on nobody signs in for it and no device is added to it. `false` if it
    /// is not there.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be written.
    async fn mark_tenant(&self, id: TenantId) -> Result<bool, StoreError>;

    /// The tenants that are being deleted, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn marked_tenants(&self) -> Result<Vec<TenantId>, StoreError>;

    /// Erases a marked tenant and everything in its registry: customers, users, logins, profiles, attributes. What stays
    /// are ids, so that no command under way adds a device to it.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be written.
    async fn erase_tenant(&self, id: TenantId) -> Result<(), StoreError>;
}

/// A manufacturer or integrator.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// The tenant.
    pub id: TenantId,
    /// Its name; several may have the same.
    pub title: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// One more for each save.
    pub version: u32,
    /// Its region.
    pub region: Option<String>,
    /// Where it can be reached.
    pub contact: Contact,
    /// Whatever clients keep there.
    pub additional_info: Option<Value>,
}

/// What a save replaces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TenantValues {
    /// Its name.
    pub title: String,
    /// Its region.
    pub region: Option<String>,
    /// Where it can be reached.
    pub contact: Contact,
    /// Whatever clients keep there.
    pub additional_info: Option<Value>,
}

impl Tenant {
    /// A new tenant with these values.
    pub fn new(id: TenantId, created_at: Timestamp, values: TenantValues) -> Self {
        let TenantValues { title, region, contact, additional_info } = values;
        Self { id, title, created_at, version: 1, region, contact, additional_info }
    }

    /// A new tenant of that name, of which nothing else is known.
    pub fn titled(id: TenantId, created_at: Timestamp, title: &str) -> Self {
        Self::new(id, created_at, TenantValues { title: title.to_owned(), ..TenantValues::default() })
    }
}
