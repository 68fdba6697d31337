//! Plain attributes. The claiming ones are not here: they follow from a device's events.

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    ids::{CustomerId, DeviceId, TenantId, UserId},
    ports::StoreError,
    time::Timestamp,
};

/// Keeps attributes and `additionalInfo`. Those of devices are written together with commands: see
/// [`crate::ports::RegistryWrite`].
#[async_trait]
pub trait Attributes: Send + Sync {
    /// An entity's attributes in one scope, or in all; by key.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn of(&self, entity: Entity, scope: Option<AttributeScope>) -> Result<Vec<Attribute>, StoreError>;

    /// Adds attributes of an entity that is no device, or replaces those of the same key.
    ///
    /// # Errors
    /// [`StoreError`] if nothing was written.
    async fn put(&self, entity: Entity, scope: AttributeScope, put: Vec<(String, Value)>) -> Result<(), StoreError>;

    /// Deletes attributes of an entity that is no device; those that are not there are no fault.
    ///
    /// # Errors
    /// [`StoreError`] if nothing was written.
    async fn delete(&self, entity: Entity, scope: AttributeScope, keys: Vec<String>) -> Result<(), StoreError>;

    /// A device's `additionalInfo`; `None` is JSON null.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn additional_info(&self, device_id: DeviceId) -> Result<Option<Value>, StoreError>;
}

/// What attributes belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// A device.
    Device(DeviceId),
    /// A customer.
    Customer(CustomerId),
    /// A user.
    User(UserId),
    /// A tenant.
    Tenant(TenantId),
}

impl Entity {
    /// The word on the wire and in the table.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Device(_) => "DEVICE",
            Self::Customer(_) => "CUSTOMER",
            Self::User(_) => "USER",
            Self::Tenant(_) => "TENANT",
        }
    }

    /// The id, whatever it is of.
    pub const fn id(self) -> Uuid {
        match self {
            Self::Device(id) => id.0,
            Self::Customer(id) => id.0,
            Self::User(id) => id.0,
            Self::Tenant(id) => id.0,
        }
    }
}

/// Who sees and sets an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeScope {
    /// People only.
    Server,
    /// Set by people, seen by the device.
    Shared,
    /// Set by the device.
    Client,
}

impl AttributeScope {
    /// The word on the wire and in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "SERVER_SCOPE",
            Self::Shared => "SHARED_SCOPE",
            Self::Client => "CLIENT_SCOPE",
        }
    }

    /// The scope of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Server, Self::Shared, Self::Client].into_iter().find(|scope| scope.as_str() == word)
    }
}

/// One attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Its name.
    pub key: String,
    /// Its scope.
    pub scope: AttributeScope,
    /// Its value.
    pub value: Value,
    /// When it was last set.
    pub last_update: Timestamp,
}
