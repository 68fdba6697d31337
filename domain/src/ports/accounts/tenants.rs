//! Tenants.

use async_trait::async_trait;

use super::AccountsError;
use crate::{ids::TenantId, ports::Profile, time::Timestamp};

/// Keeps tenants.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// Adds a tenant with its default profile.
    ///
    /// # Errors
    /// [`AccountsError`].
    async fn add_tenant(&self, tenant: Tenant, default_profile: Profile) -> Result<(), AccountsError>;
}

/// A manufacturer or integrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The tenant.
    pub id: TenantId,
    /// Its name.
    pub title: String,
    /// When it was added.
    pub created_at: Timestamp,
}
