//! What gateways do for the devices behind them (`docs/protocol.md`, gateways).
//!
//! A gateway names devices of its tenant. One that does not exist is made; one that does is reached through the first
//! gateway that names it, and through no other one as long as that stays a gateway, unless the tenant's administrator
//! writes another one's id into its `additionalInfo`. Only the gateway through which a device is reached registers claim
//! keys for it, so that nobody who gets hold of one gateway opens the devices of the others.

mod reach;

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use serde_json::json;

use crate::{
    claim_key::ClaimKey,
    claims::{Claims, Failure, IssuedKey, NewDevice, ProfileChoice},
    device::Refusal,
    ids::{CustomerId, DeviceId, TenantId},
    metadata::{Actor, Caller, Transport},
    ports::{
        AppendError, DEFAULT_PROFILE, DeviceIdentity, GatewayDevices, KnownGateway, NamedDevice, StoreError,
        UniqueClaim,
    },
    texts::{InvalidText, check_name},
    together::together,
};

use reach::Reach;

/// The member of a device's `additionalInfo` that names the gateway through which it was last reached.
pub const LAST_CONNECTED_GATEWAY: &str = "lastConnectedGateway";

/// Devices whose keys are registered at the same time, so that they share transactions.
const AT_ONCE: usize = 256;
/// How often a device that somebody else adds or saves at the same time is looked up again.
const TRIES: usize = 3;

/// The use cases of gateways.
#[derive(Clone)]
pub struct Gateways {
    claims: Claims,
    devices: Arc<dyn GatewayDevices>,
}

/// A device that is a gateway; [`Gateways::gateway`] finds out.
#[derive(Clone, Copy, Debug)]
pub struct Gateway {
    identity: DeviceIdentity,
    owner: Option<CustomerId>,
}

/// A device that a gateway has connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The device.
    pub device: DeviceIdentity,
    /// Whether it is reached through this gateway from now on, so that a session of its own ends. It is not if another
    /// gateway has it, or a customer to whom the gateway does not belong: then nothing has changed.
    pub is_reached: bool,
}

/// A key that a gateway registers.
#[derive(Clone, Debug)]
pub struct GatewayClaim {
    /// The device's name.
    pub name: String,
    /// The key.
    pub key: ClaimKey,
    /// How long it is to live, milliseconds; zero or less means the default.
    pub duration_ms: i64,
}

/// Why a device that a gateway named was not connected, or no key of it registered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotReached {
    /// There is no device of that name, and none can be made.
    #[error(transparent)]
    Unusable(#[from] UnusableName),
    /// The rules say no, or the store cannot answer.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why no device can be made of a name or a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableName {
    /// There is nothing in it.
    #[error("the {0} of the device is empty")]
    Empty(&'static str),
    /// It cannot be one.
    #[error(transparent)]
    Text(#[from] InvalidText),
}

impl UnusableName {
    /// The stable code word.
    pub const fn code(&self) -> &'static str {
        "unusable_name"
    }
}

impl From<StoreError> for NotReached {
    fn from(error: StoreError) -> Self {
        Self::Failed(AppendError::from(error).into())
    }
}

impl Gateway {
    /// The gateway's device.
    pub const fn device(&self) -> DeviceIdentity {
        self.identity
    }

    /// The gateway as one who calls.
    pub const fn caller(&self, transport: Transport, correlation_id: Cow<'static, str>) -> Caller {
        Caller { actor: Actor::Gateway(self.identity.device_id), transport, correlation_id, command_id: None }
    }

    const fn id(&self) -> DeviceId {
        self.identity.device_id
    }
}

impl Gateways {
    /// The use cases over these.
    pub fn new(claims: Claims, devices: Arc<dyn GatewayDevices>) -> Self {
        Self { claims, devices }
    }

    /// The device as a gateway, if it is one at this moment: if its `additionalInfo` says `"gateway": true`.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    pub async fn gateway(&self, identity: DeviceIdentity) -> Result<Option<Gateway>, StoreError> {
        let known = self.devices.gateways_among(vec![identity.device_id]).await?;
        Ok(known.first().map(|KnownGateway { owner, .. }| Gateway { identity, owner: *owner }))
    }

    /// A device connects through the gateway. One that does not exist is made, with a token of its own, and has the
    /// gateway's owner from the start; without a type, it gets the profile `default`.
    ///
    /// # Errors
    /// [`NotReached`]; nothing has changed then.
    pub async fn connect(
        &self,
        caller: &Caller,
        gateway: &Gateway,
        name: &str,
        device_type: Option<&str>,
    ) -> Result<Connected, NotReached> {
        let (device, reach) = self.reach(caller, gateway, name, device_type, None).await?;
        Ok(Connected { device, is_reached: reach == Reach::Own })
    }

    /// The tenant's device of that name, for a broker that vouches for its clients' names.
    ///
    /// # Errors
    /// [`StoreError`] if the devices cannot be looked up.
    pub async fn device_named(&self, tenant_id: TenantId, name: &str) -> Result<Option<DeviceIdentity>, StoreError> {
        let found = self.devices.devices_named(tenant_id, vec![name.to_owned()]).await?.pop();
        Ok(found.map(|device| DeviceIdentity::new(tenant_id, device.device_id)))
    }

    /// Registers keys of devices behind the gateway, all at the same time, and gives what came of each, in their order.
    /// Devices that do not exist are made as [`Gateways::connect`] makes them.
    ///
    /// # Errors
    /// [`StoreError`] if the devices cannot be looked up; then nothing was registered.
    pub async fn claim(
        &self,
        caller: &Caller,
        gateway: &Gateway,
        claims: Vec<GatewayClaim>,
    ) -> Result<Vec<Result<IssuedKey, NotReached>>, StoreError> {
        let names = claims.iter().map(|claim| claim.name.clone()).collect();
        let found = self.devices.devices_named(gateway.identity.tenant_id, names).await?;
        let mut found: HashMap<String, NamedDevice> =
            found.into_iter().map(|device| (device.name.clone(), device)).collect();
        let mut each = claims.into_iter().map(|claim| {
            let found = found.remove(&claim.name);
            self.claim_one(caller, gateway, claim, found)
        });
        let mut results = Vec::new();
        loop {
            let part = together(each.by_ref().take(AT_ONCE)).await;
            if part.is_empty() {
                return Ok(results);
            }
            results.extend(part);
        }
    }

    async fn claim_one(
        &self,
        caller: &Caller,
        gateway: &Gateway,
        claim: GatewayClaim,
        found: Option<NamedDevice>,
    ) -> Result<IssuedKey, NotReached> {
        let GatewayClaim { name, key, duration_ms } = claim;
        let (device, reach) = self.reach(caller, gateway, &name, None, found).await?;
        if reach == Reach::OfAnother {
            return Err(self.claims.refuse_gateway(caller, device).await.into());
        }
        Ok(self.claims.issue_from_device(caller, device, key, duration_ms).await?)
    }

    /// The device of that name, made if there is none, and how the gateway reaches it from now on.
    async fn reach(
        &self,
        caller: &Caller,
        gateway: &Gateway,
        name: &str,
        device_type: Option<&str>,
        mut found: Option<NamedDevice>,
    ) -> Result<(DeviceIdentity, Reach), NotReached> {
        let tenant_id = gateway.identity.tenant_id;
        let mut tries = 0;
        loop {
            tries += 1;
            if found.is_none() {
                found = self.devices.devices_named(tenant_id, vec![name.to_owned()]).await?.pop();
            }
            let result = match &found {
                Some(device) => {
                    let identity = DeviceIdentity::new(tenant_id, device.device_id);
                    self.take(caller, gateway, device).await.map(|reach| (identity, reach))
                }
                None => self.make(caller, gateway, name, device_type).await.map(|device| (device, Reach::Own)),
            };
            match result {
                Err(NotReached::Failed(failure)) if tries < TRIES && is_changed_meanwhile(&failure) => found = None,
                result => return result,
            }
        }
    }

    async fn make(
        &self,
        caller: &Caller,
        gateway: &Gateway,
        name: &str,
        device_type: Option<&str>,
    ) -> Result<DeviceIdentity, NotReached> {
        let device_type = device_type.unwrap_or(DEFAULT_PROFILE);
        for (member, text) in [("name", name), ("type", device_type)] {
            if text.trim().is_empty() {
                return Err(UnusableName::Empty(member).into());
            }
            check_name(member, text).map_err(UnusableName::from)?;
        }
        let new = NewDevice {
            name: name.to_owned(),
            profile: ProfileChoice::Named(device_type.to_owned()),
            label: None,
            owner: gateway.owner,
            additional_info: Some(json!({LAST_CONNECTED_GATEWAY: gateway.id().to_string()})),
            credentials: None,
        };
        let tenant_id = gateway.identity.tenant_id;
        let made = self.claims.register_behind(caller, tenant_id, new, gateway.id()).await?;
        Ok(DeviceIdentity::new(tenant_id, made.device_id))
    }

    /// How the gateway reaches a device that exists; what nobody else has is its own from now on.
    async fn take(&self, caller: &Caller, gateway: &Gateway, device: &NamedDevice) -> Result<Reach, NotReached> {
        let rivals = reach::others(device, gateway.id());
        let rivals = if rivals.is_empty() { rivals } else { self.still_gateways(rivals).await? };
        let reach = reach::of(device, gateway, !rivals.is_empty());
        // Where an administrator has named another one, that stays.
        if reach == Reach::Own
            && rivals.is_empty()
            && let Some(info) = reach::mark(device, gateway.id())
        {
            self.claims.take_behind(caller, gateway.identity.tenant_id, device, gateway.id(), info).await?;
        }
        Ok(reach)
    }

    async fn still_gateways(&self, ids: Vec<DeviceId>) -> Result<Vec<DeviceId>, StoreError> {
        Ok(self.devices.gateways_among(ids).await?.into_iter().map(|gateway| gateway.device_id).collect())
    }
}

/// Whether somebody else added, saved, deleted or connected the device first, so that it is looked at again.
fn is_changed_meanwhile(failure: &Failure) -> bool {
    match failure {
        Failure::NotAppended(AppendError::Taken(taken)) => {
            matches!(taken, UniqueClaim::DeviceName(..) | UniqueClaim::Gateway(_))
        }
        Failure::Refused(Refusal::VersionConflict | Refusal::DeviceNotFound) => true,
        Failure::Refused(_) | Failure::NotAppended(_) => false,
    }
}
