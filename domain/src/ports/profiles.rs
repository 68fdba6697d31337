//! Device profiles.

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    ids::{DeviceId, ProfileId, TenantId},
    ports::{DeviceToken, ListPage, PageRequest, StoreError},
    time::Timestamp,
};

/// What the profile is called that every tenant starts with.
pub const DEFAULT_PROFILE: &str = "default";

/// Keeps device profiles. One that a device brings with it is written together with the command: see
/// [`crate::ports::RegistryWrite`].
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

    /// The profile by whose provision key devices find it, on the whole platform.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn by_provision_key(&self, key: &str) -> Result<Option<Profile>, StoreError>;

    /// How the device with that id writes its messages: as its profile says, and in JSON if there is none. One look-up
    /// by key, so that it is asked for each message and a change of the profile counts at once.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn payloads_of(&self, device_id: DeviceId) -> Result<Payloads, StoreError>;

    /// The profile of the tenant's devices that name none.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn default_of(&self, tenant_id: TenantId) -> Result<Option<Profile>, StoreError>;

    /// A page of the tenant's profiles, or of those with that transport; their names are searched.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn profiles(
        &self,
        tenant_id: TenantId,
        transport: Option<ProfileTransport>,
        page: PageRequest<ProfileSort>,
    ) -> Result<ListPage<Profile>, StoreError>;

    /// Adds a profile.
    ///
    /// # Errors
    /// [`ProfilesError::NameTaken`]; [`ProfilesError::ProvisionKeyTaken`]; [`ProfilesError::NotFound`] if the tenant is
    /// being deleted.
    async fn add_profile(&self, profile: Profile) -> Result<(), ProfilesError>;

    /// Replaces what a profile is called and described by, and counts the save; gives the profile as it is then.
    ///
    /// # Errors
    /// [`ProfilesError::NotFound`]; [`ProfilesError::VersionConflict`] if its version is not the expected one, where one
    /// is expected; [`ProfilesError::NameTaken`]; [`ProfilesError::ProvisionKeyTaken`]; [`ProfilesError::InUse`] if
    /// devices have it and its name or its transport would be another.
    async fn save_profile(
        &self,
        id: ProfileId,
        expected_version: Option<u32>,
        values: ProfileValues,
    ) -> Result<Profile, ProfilesError>;

    /// Makes a profile its tenant's default, in the place of the one before; gives it as it is then.
    ///
    /// # Errors
    /// [`ProfilesError::NotFound`].
    async fn make_default(&self, id: ProfileId) -> Result<Profile, ProfilesError>;

    /// Deletes a profile.
    ///
    /// # Errors
    /// [`ProfilesError::NotFound`]; [`ProfilesError::IsDefault`]; [`ProfilesError::InUse`] if devices have it.
    async fn delete_profile(&self, id: ProfileId) -> Result<(), ProfilesError>;
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
    /// One more for each save.
    pub version: u32,
    /// Whether devices have it that name none; of a tenant's profiles, one is.
    pub is_default: bool,
    /// A text for people.
    pub description: Option<String>,
    /// How its devices connect.
    pub transport: ProfileTransport,
    /// How its devices write their messages.
    pub payloads: Payloads,
    /// What clients keep beside Protobuf; nobody else reads it.
    pub protobuf_notes: Option<Value>,
    /// How devices add themselves to it; `None` if they do not.
    pub provisioning: Option<ProvisioningRule>,
}

/// What a save replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileValues {
    /// Unique among the tenant's profiles.
    pub name: String,
    /// A text for people.
    pub description: Option<String>,
    /// How its devices connect.
    pub transport: ProfileTransport,
    /// How its devices write their messages.
    pub payloads: Payloads,
    /// What clients keep beside Protobuf; nobody else reads it.
    pub protobuf_notes: Option<Value>,
    /// How devices add themselves to it; `None` if they do not.
    pub provisioning: Option<ProvisioningRule>,
}

/// How devices add themselves to a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisioningRule {
    /// Which devices may.
    pub strategy: ProvisioningStrategy,
    /// By which they find the profile; unique on the platform.
    pub key: String,
    /// By which they show that they may.
    pub secret: DeviceToken,
}

/// Which devices may add themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProvisioningStrategy {
    /// Those that do not exist yet.
    AllowNew,
    /// Those that an administrator has added: they fetch their credentials.
    CheckPrepared,
}

impl ProvisioningStrategy {
    /// The word on the wire and in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowNew => "ALLOW_CREATE_NEW_DEVICES",
            Self::CheckPrepared => "CHECK_PRE_PROVISIONED_DEVICES",
        }
    }

    /// The strategy of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::AllowNew, Self::CheckPrepared].into_iter().find(|strategy| strategy.as_str() == word)
    }
}

/// How devices write their messages over MQTT and CoAP, and what becomes of messages that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payloads {
    /// How they are written.
    pub encoding: PayloadEncoding,
    /// Whether one that cannot be read is acknowledged as if it could, and the connection kept.
    pub acknowledges_faults: bool,
}

/// How a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PayloadEncoding {
    /// JSON.
    #[default]
    Json,
    /// Protobuf.
    Protobuf,
    /// Protobuf, or JSON where it is none.
    ProtobufOrJson,
}

impl PayloadEncoding {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Protobuf => "PROTOBUF",
            Self::ProtobufOrJson => "PROTOBUF_OR_JSON",
        }
    }

    /// The encoding of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Json, Self::Protobuf, Self::ProtobufOrJson].into_iter().find(|encoding| encoding.as_str() == word)
    }
}

/// How the devices of a profile connect. Clients keep it there: every device may use every transport that there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProfileTransport {
    /// Whichever they like.
    #[default]
    Default,
    /// By MQTT, on the usual topics.
    Mqtt,
}

impl ProfileTransport {
    /// The word on the wire and in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "DEFAULT",
            Self::Mqtt => "MQTT",
        }
    }

    /// The transport of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Default, Self::Mqtt].into_iter().find(|transport| transport.as_str() == word)
    }
}

/// By what a list of profiles is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileSort {
    /// In order of creation.
    Creation,
    /// By name.
    Name,
    /// By the word for the transport.
    Transport,
    /// By the description; without one first.
    Description,
    /// The default last.
    IsDefault,
}

impl Profile {
    /// A new profile with these values.
    pub fn new(id: ProfileId, tenant_id: TenantId, created_at: Timestamp, values: ProfileValues) -> Self {
        let ProfileValues { name, description, transport, payloads, protobuf_notes, provisioning } = values;
        Self {
            id,
            tenant_id,
            name,
            created_at,
            version: 1,
            is_default: false,
            description,
            transport,
            payloads,
            protobuf_notes,
            provisioning,
        }
    }

    /// A new profile of that name, of which nothing else is known.
    pub fn named(id: ProfileId, tenant_id: TenantId, created_at: Timestamp, name: &str) -> Self {
        Self::new(id, tenant_id, created_at, ProfileValues { name: name.to_owned(), ..ProfileValues::default() })
    }

    /// The profile that a new tenant starts with.
    pub fn first(id: ProfileId, tenant_id: TenantId, created_at: Timestamp) -> Self {
        let description = Some("Default device profile".to_owned());
        Self { is_default: true, description, ..Self::named(id, tenant_id, created_at, DEFAULT_PROFILE) }
    }
}

/// Why a profile was not added, saved or deleted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProfilesError {
    /// The tenant has a profile of that name.
    #[error("a profile with this name exists")]
    NameTaken,
    /// Some profile on the platform has that provision key.
    #[error("a profile with this provision key exists")]
    ProvisionKeyTaken,
    /// It is not there.
    #[error("there is no such profile")]
    NotFound,
    /// Somebody else saved it in between.
    #[error("the profile was already changed by someone else")]
    VersionConflict,
    /// Devices have it.
    #[error("devices have the profile")]
    InUse,
    /// It is the tenant's default.
    #[error("the profile is the default")]
    IsDefault,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
