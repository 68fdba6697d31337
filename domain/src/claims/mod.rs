//! The use cases. Transports and the REST API call these and nothing deeper; each is one append.

mod behind_gateways;
mod claiming_data;
mod credentials;
mod departures;
mod device_attributes;
mod devices;
mod keys;
mod ownership;

use std::sync::Arc;

use crate::{
    claim_key::ClaimKey,
    device::{ClaimPolicy, Decision, Device, DeviceCommand, Facts, Refusal, decide_all},
    ids::{CommandId, DeviceId, KeyId, TenantId},
    metadata::{Caller, Metadata},
    ports::{
        Append, AppendError, Appended, Clock, CommandName, Counted, Entropy, EventStore, KeyDigester, Party, Profiles,
        RegistryWrite, StoreError, Subject, Target, UniqueClaim,
    },
};

pub use claiming_data::{ClaimingData, Undecodable, is_allowed};
pub use device_attributes::DeviceAttributes;
pub use devices::{DeviceChange, NewDevice, ProfileChoice};
pub use keys::{ClaimingChange, DataChange, IssuedKey, NewKey, SwitchChange};

/// The use cases, over the ports that they need.
#[derive(Clone)]
pub struct Claims {
    store: Arc<dyn EventStore>,
    profiles: Arc<dyn Profiles>,
    digester: Arc<dyn KeyDigester>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    policy: ClaimPolicy,
}

/// Why a use case did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The rules say no; what is worth recording has been.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nothing was recorded.
    #[error(transparent)]
    NotAppended(#[from] AppendError),
}

/// One append in the making.
struct Request {
    target: Target,
    tenant_id: TenantId,
    counted: Counted,
    registry: Vec<RegistryWrite>,
    unique: Vec<UniqueClaim>,
    parties: Vec<Party>,
}

impl Request {
    const fn to(tenant_id: TenantId, target: Target) -> Self {
        Self {
            target,
            tenant_id,
            counted: Counted::Nothing,
            registry: Vec::new(),
            unique: Vec::new(),
            parties: Vec::new(),
        }
    }
}

impl Claims {
    /// The use cases over these ports, under this policy.
    pub fn new(
        store: Arc<dyn EventStore>,
        profiles: Arc<dyn Profiles>,
        digester: Arc<dyn KeyDigester>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        policy: ClaimPolicy,
    ) -> Self {
        Self { store, profiles, digester, clock, entropy, policy }
    }

    /// The installation's rules.
    pub const fn policy(&self) -> &ClaimPolicy {
        &self.policy
    }

    /// Whether commands can be carried out at present.
    ///
    /// # Errors
    /// [`StoreError`] says why they cannot.
    pub async fn check_ready(&self) -> Result<(), StoreError> {
        self.store.check_writable().await
    }

    /// The device with that id, if the tenant has it.
    ///
    /// # Errors
    /// [`Refusal::DeviceNotFound`], and [`Failure::NotAppended`] if the stream cannot be read.
    pub async fn device(&self, tenant_id: TenantId, device_id: DeviceId) -> Result<Device, Failure> {
        let (device, _) = self.store.load(device_id).await.map_err(AppendError::from)?;
        match device.registered() {
            Some(registered) if registered.tenant_id == tenant_id => Ok(device),
            Some(_) | None => Err(Refusal::DeviceNotFound.into()),
        }
    }

    /// Appends what `commands` makes of the device, unless it is another tenant's.
    async fn append(
        &self,
        caller: &Caller,
        request: Request,
        commands: impl Fn(DeviceId) -> Vec<DeviceCommand> + Send + Sync + 'static,
    ) -> Result<Appended, Failure> {
        let Request { target, tenant_id, counted, registry, unique, parties } = request;
        let command = match caller.command_id {
            Some(id) => CommandName::Once(id),
            None => CommandName::Fresh(CommandId(self.entropy.new_id(self.clock.now()))),
        };
        let policy = self.policy;
        let decide = move |subject: Subject<'_>| {
            if subject.device.registered().is_some_and(|device| device.tenant_id != tenant_id) {
                return Decision { events: Vec::new(), counts: Vec::new(), result: Err(Refusal::DeviceNotFound) };
            }
            let commands = commands(subject.device_id);
            if commands.is_empty() && subject.device.registered().is_none() {
                // Only the registry would be written, and nothing there may outlive the device.
                return Decision { events: Vec::new(), counts: Vec::new(), result: Err(Refusal::DeviceNotFound) };
            }
            let facts = Facts { now: subject.now, policy, counts: subject.counts.clone() };
            decide_all(subject.device, &commands, &facts)
        };
        let metadata = Metadata {
            actor: caller.actor,
            transport: caller.transport,
            correlation_id: caller.correlation_id.clone(),
            command_id: command.id(),
            tenant_id,
        };
        let decide = Box::new(decide);
        let append = Append { target, command, metadata, counted, decide, registry, unique, parties };
        let appended = self.store.append(append).await?;
        match appended.result.clone() {
            Ok(()) => Ok(appended),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// A function that digests the key for the device whose turn it is; a device's id is part of the digest, and a
    /// device found by name is known only then.
    fn digest_later(
        &self,
        tenant_id: TenantId,
        key: ClaimKey,
    ) -> impl Fn(DeviceId) -> crate::claim_key::PresentedKey + Send + Sync + 'static {
        let digester = Arc::clone(&self.digester);
        move |device_id| digester.digest(tenant_id, device_id, &key)
    }

    fn new_key_id(&self) -> KeyId {
        KeyId(self.entropy.new_id(self.clock.now()))
    }
}
