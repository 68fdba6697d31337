//! Devices that add themselves (`docs/protocol.md`, provisioning).
//!
//! A profile that allows it has a key, by which it is found on the whole platform, and a secret; firmware carries both. What
//! a device gets for them is its own credentials: made for a new device, or those that an administrator prepared.

use std::sync::Arc;

use serde_json::json;
use subtle::ConstantTimeEq;

use crate::{
    claims::{Claims, DeviceAttributes, Failure, NewDevice, ProfileChoice},
    credentials::{InvalidCredentials, NewCredentials},
    device::Refusal,
    ids::DeviceId,
    metadata::{Actor, Caller},
    ports::{
        AppendError, AttributeScope, Credentials, DeviceCredentials, DeviceIdentity, DeviceToken, Entity,
        GatewayDevices, NamedDevice, Profile, Profiles, ProvisioningRule, ProvisioningStrategy, RegistryWrite,
        StoreError,
    },
    texts::check_name,
};

/// The server attribute that says that a device has added itself or fetched its credentials.
const PROVISION_STATE: &str = "provisionState";
/// Its value.
const PROVISIONED: &str = "provisioned";

/// The use case of devices that add themselves.
#[derive(Clone)]
pub struct Provisioning {
    claims: Claims,
    profiles: Arc<dyn Profiles>,
    devices: Arc<dyn GatewayDevices>,
    credentials: Arc<dyn Credentials>,
}

/// What a device asks for.
#[derive(Clone, Debug)]
pub struct ProvisionRequest {
    /// The key of the profile.
    pub key: String,
    /// Its secret.
    pub secret: DeviceToken,
    /// What the device is to be called, or is called; `None` or nothing makes a name, for a new device alone.
    pub device_name: Option<String>,
    /// What a new device is to authenticate with; `None` makes a token.
    pub credentials: Option<Result<NewCredentials, InvalidCredentials>>,
    /// Whether a new device is a gateway.
    pub is_gateway: bool,
}

/// Why a device got no credentials.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotProvisioned {
    /// No profile has that key and that secret, which are not told apart.
    #[error("no profile has this provision key and secret")]
    UnknownKey,
    /// The profile does not allow it for this device: it is there already, or not there, its name cannot be one, or its
    /// credentials are in use or cannot be used. Which of these is not told to who only knows the key.
    #[error("the device cannot be provisioned")]
    Refused,
    /// The store cannot answer. Nothing was done.
    #[error(transparent)]
    NotStored(AppendError),
}

impl From<StoreError> for NotProvisioned {
    fn from(error: StoreError) -> Self {
        Self::NotStored(error.into())
    }
}

impl From<Failure> for NotProvisioned {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(_) | Failure::NotAppended(AppendError::Taken(_) | AppendError::Gone(_)) => Self::Refused,
            Failure::NotAppended(error) => Self::NotStored(error),
        }
    }
}

impl Provisioning {
    /// The use case over these.
    pub fn new(
        claims: Claims,
        profiles: Arc<dyn Profiles>,
        devices: Arc<dyn GatewayDevices>,
        credentials: Arc<dyn Credentials>,
    ) -> Self {
        Self { claims, profiles, devices, credentials }
    }

    /// Gives a device its credentials: it adds itself, or fetches what was prepared for it. In the log, it acts itself,
    /// whoever the caller names.
    ///
    /// # Errors
    /// [`NotProvisioned`].
    pub async fn provision(
        &self,
        caller: &Caller,
        request: ProvisionRequest,
    ) -> Result<DeviceCredentials, NotProvisioned> {
        let found = self.profiles.by_provision_key(&request.key).await?;
        let found = found.and_then(|profile| Some((profile.provisioning.clone()?, profile)));
        let Some((rule, profile)) = found.filter(|(rule, _)| is_secret_of(rule, &request.secret)) else {
            return Err(NotProvisioned::UnknownKey);
        };
        let device_id = match rule.strategy {
            ProvisioningStrategy::AllowNew => self.add(caller, profile, request).await?,
            ProvisioningStrategy::CheckPrepared => self.fetch(caller, &profile, request).await?,
        };
        self.credentials.of_device(device_id).await?.ok_or(NotProvisioned::Refused)
    }

    async fn add(
        &self,
        caller: &Caller,
        profile: Profile,
        request: ProvisionRequest,
    ) -> Result<DeviceId, NotProvisioned> {
        let name = request.device_name.filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| self.claims.make_name());
        check_name("name", &name).map_err(|_| NotProvisioned::Refused)?;
        let credentials = request.credentials.transpose().map_err(|_| NotProvisioned::Refused)?;
        let tenant_id = profile.tenant_id;
        let new = NewDevice {
            name,
            profile: ProfileChoice::Existing(profile),
            label: None,
            owner: None,
            additional_info: request.is_gateway.then(|| json!({"gateway": true})),
            credentials,
        };
        let server = vec![(PROVISION_STATE.to_owned(), PROVISIONED.into())];
        let attributes = DeviceAttributes { server, ..DeviceAttributes::default() };
        let device = DeviceIdentity::new(tenant_id, self.claims.new_device_id());
        let added = self.claims.register_as(&itself(caller, device.device_id), device, new, attributes, None).await?;
        Ok(added.device_id)
    }

    async fn fetch(
        &self,
        caller: &Caller,
        profile: &Profile,
        request: ProvisionRequest,
    ) -> Result<DeviceId, NotProvisioned> {
        let name = request.device_name.unwrap_or_default();
        let found = self.devices.devices_named(profile.tenant_id, vec![name]).await?.pop();
        let prepared = found.filter(|device| device.profile_id == profile.id);
        let NamedDevice { device_id, .. } = prepared.ok_or(NotProvisioned::Refused)?;
        let device = DeviceIdentity::new(profile.tenant_id, device_id);
        let state = vec![(PROVISION_STATE.to_owned(), PROVISIONED.into())];
        let write = RegistryWrite::PutAttributes(Entity::Device(device_id), AttributeScope::Server, state);
        let caller = itself(caller, device_id);
        match self.claims.write_attributes(&caller, device, Default::default(), vec![write]).await {
            Ok(()) => Ok(device_id),
            // Deleted meanwhile.
            Err(Failure::Refused(Refusal::DeviceNotFound)) => Err(NotProvisioned::Refused),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Compared in constant time, or the secret could be found a character at a time.
fn is_secret_of(rule: &ProvisioningRule, presented: &DeviceToken) -> bool {
    rule.secret.expose().as_bytes().ct_eq(presented.expose().as_bytes()).into()
}

fn itself(caller: &Caller, device_id: DeviceId) -> Caller {
    Caller { actor: Actor::Device(device_id), command_id: None, ..caller.clone() }
}
