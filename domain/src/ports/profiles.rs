//! Device profiles.

use async_trait::async_trait;

use crate::{
    ids::{ProfileId, TenantId},
    ports::StoreError,
    time::Timestamp,
};

/// The profile that every tenant starts with.
pub const DEFAULT_PROFILE: &str = "default";

/// Reads device profiles. They are written together with commands: see [`crate::ports::RegistryWrite`].
#[async_trait]
pub trait Profiles: Send + Sync {
    /// The tenant's profile of that name.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn by_name(&self, tenant_id: TenantId, name: &str) -> Result<Option<Profile>, StoreError>;

    /// The profile of that id, whatever its tenant.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn by_id(&self, id: ProfileId) -> Result<Option<Profile>, StoreError>;
}

/// A kind of device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The profile.
    pub id: ProfileId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Unique among the tenant's profiles; the `type` of its devices.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}
