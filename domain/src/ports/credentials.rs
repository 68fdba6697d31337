//! What devices authenticate with.

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::{
    ids::{CredentialsId, DeviceId, TenantId},
    ports::StoreError,
    time::Timestamp,
};

/// Finds devices by what they present.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The device whose access token this is.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn by_access_token(&self, token: &DeviceToken) -> Result<Option<DeviceIdentity>, StoreError>;

    /// The credentials of that id, of whatever kind.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn by_credentials_id(&self, id: &DeviceToken) -> Result<Option<DeviceCredentials>, StoreError>;

    /// A device's credentials.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    async fn of_device(&self, device_id: DeviceId) -> Result<Option<DeviceCredentials>, StoreError>;
}

/// A device that has proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceIdentity {
    /// The device.
    pub device_id: DeviceId,
    /// Its tenant.
    pub tenant_id: TenantId,
}

/// A device's credentials. One record per device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCredentials {
    /// The record.
    pub id: CredentialsId,
    /// Whose they are.
    pub device_id: DeviceId,
    /// The device's tenant.
    pub tenant_id: TenantId,
    /// When they were first made.
    pub created_at: Timestamp,
    /// What they are.
    pub kind: CredentialsKind,
    /// Unique on the platform: the token itself, or what is computed from the credentials.
    pub credentials_id: DeviceToken,
    /// What further belongs to them; secret.
    pub credentials_value: Option<DeviceToken>,
    /// One more for each save.
    pub version: u32,
}

/// The kinds of device credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsKind {
    /// A token in the URL or as the MQTT user name.
    AccessToken,
    /// An MQTT client id, a user name and a password, or some of them.
    MqttBasic,
    /// A certificate.
    X509Certificate,
}

impl CredentialsKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::AccessToken, Self::MqttBasic, Self::X509Certificate];

    /// The word on the wire and in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "ACCESS_TOKEN",
            Self::MqttBasic => "MQTT_BASIC",
            Self::X509Certificate => "X509_CERTIFICATE",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A device's secret. Shows nothing in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceToken(Zeroizing<String>);

impl DeviceToken {
    /// Takes the text as it was presented.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret text, for a look-up, for the table, and for the tenant's administrator. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken(***)")
    }
}
