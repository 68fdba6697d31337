//! Claim keys: registered by devices, set by administrators, withdrawn, expired.

use super::{ClaimingData, Claims, Failure, Request};
use crate::{
    claim_key::{ClaimKey, GeneratedKey, KEY_ENTROPY_BYTES},
    device::{ActiveKey, DeviceCommand, DeviceEvent, KeyEnd, KeyOrigin, KeySlot, Refusal},
    ids::{DeviceId, KeyId, TenantId},
    metadata::{Actor, Caller},
    ports::{Appended, Counted, DeviceIdentity, RegistryWrite, Target},
    time::Timestamp,
};

/// A key that became active.
#[derive(Clone, Debug)]
pub struct IssuedKey {
    /// The key's id.
    pub key_id: KeyId,
    /// The text, if the service made it: shown once.
    pub made: Option<ClaimKey>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// It works up to and including this millisecond.
    pub expires_at: Timestamp,
}

/// A key that an administrator adds.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The key; `None` makes one.
    pub key: Option<ClaimKey>,
    /// It works from this time on.
    pub not_before: Option<Timestamp>,
    /// Until when it works.
    pub ends: KeyEnd,
}

/// What a write or delete of server attributes means for the claiming ones.
#[derive(Clone, Debug, Default)]
pub struct ClaimingChange {
    /// What becomes of the switch `claimingAllowed`.
    pub switch: Option<SwitchChange>,
    /// What becomes of `claimingData`.
    pub data: Option<DataChange>,
}

impl ClaimingChange {
    /// Whether it is about no claiming attribute.
    pub const fn is_empty(&self) -> bool {
        self.switch.is_none() && self.data.is_none()
    }
}

/// What becomes of the switch `claimingAllowed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchChange {
    /// It is set to true.
    Allow,
    /// It is set to false.
    Disallow,
    /// It is deleted.
    Clear,
}

/// What becomes of the attribute `claimingData`.
#[derive(Clone, Debug)]
pub enum DataChange {
    /// It holds a key.
    Set(ClaimingData),
    /// It holds something that is no claiming data.
    Undecodable,
    /// It is deleted.
    Clear,
}

impl Claims {
    /// A device, or a gateway for it, registers a key for `duration_ms` milliseconds; zero or less means the default.
    ///
    /// # Errors
    /// [`Refusal::ClaimingNotAllowed`] and [`Refusal::AlreadyClaimed`], which are recorded.
    pub async fn issue_from_device(
        &self,
        caller: &Caller,
        device: DeviceIdentity,
        key: ClaimKey,
        duration_ms: i64,
    ) -> Result<IssuedKey, Failure> {
        let origin = if matches!(caller.actor, Actor::Gateway(_)) { KeyOrigin::Gateway } else { KeyOrigin::Device };
        let mut request = Request::to(device.tenant_id, Target::Device(device.device_id));
        request.counted = Counted::Refusals;
        let key_id = caller.command_id.map_or_else(|| self.new_key_id(), KeyId::of_command);
        let digest = self.digest_later(device.tenant_id, key);
        let appended = self
            .append(caller, request, move |device_id| {
                vec![DeviceCommand::IssueFromDevice { key_id, origin, key: digest(device_id), duration_ms }]
            })
            .await?;
        Ok(issued(&appended, key_id, |key| key.slot == KeySlot::Device, None))
    }

    /// An administrator adds a key beside those that the device has; one is made if none is given.
    ///
    /// # Errors
    /// [`Refusal::KeyTooShort`], [`Refusal::KeyTrivial`], [`Refusal::KeyNeverValid`], [`Refusal::TooManyKeys`].
    pub async fn add_key(&self, caller: &Caller, device: DeviceIdentity, new: NewKey) -> Result<IssuedKey, Failure> {
        let (key, made) = match new.key {
            Some(key) => {
                self.policy.admin_keys.check(&key).map_err(Refusal::from)?;
                (key, None)
            }
            None => {
                let made = self.make_key();
                (made.clone(), Some(made))
            }
        };
        // A command that is sent again must find the key that it added, and no other.
        let key_id = caller.command_id.map_or_else(|| self.new_key_id(), KeyId::of_command);
        let digest = self.digest_later(device.tenant_id, key);
        let NewKey { not_before, ends, .. } = new;
        let request = Request::to(device.tenant_id, Target::Device(device.device_id));
        let appended = self
            .append(caller, request, move |device_id| {
                let key = digest(device_id);
                vec![DeviceCommand::IssueFromAdmin { key_id, slot: KeySlot::Additional, key, not_before, ends }]
            })
            .await?;
        Ok(issued(&appended, key_id, |key| key.key_id == key_id, made))
    }

    /// An administrator takes an active key back.
    ///
    /// # Errors
    /// [`Refusal::KeyNotFound`].
    pub async fn revoke_key(&self, caller: &Caller, device: DeviceIdentity, key_id: KeyId) -> Result<(), Failure> {
        let request = Request::to(device.tenant_id, Target::Device(device.device_id));
        self.append(caller, request, move |_| vec![DeviceCommand::RevokeKey { key_id }]).await.map(drop)
    }

    /// Carries out a write or delete of a device's server attributes: the claiming ones as commands, the plain ones
    /// with them in one append.
    ///
    /// # Errors
    /// [`Refusal::KeyTooShort`] and [`Refusal::KeyTrivial`] by the policy; nothing is stored then.
    pub async fn write_attributes(
        &self,
        caller: &Caller,
        device: DeviceIdentity,
        claiming: ClaimingChange,
        plain: Vec<RegistryWrite>,
    ) -> Result<(), Failure> {
        let commands = self.claiming_commands(device.tenant_id, claiming)?;
        let mut request = Request::to(device.tenant_id, Target::Device(device.device_id));
        request.registry = plain;
        self.append(caller, request, commands).await.map(drop)
    }

    /// The commands that a change of the claiming attributes stands for, once the device is known.
    pub(super) fn claiming_commands(
        &self,
        tenant_id: TenantId,
        claiming: ClaimingChange,
    ) -> Result<impl Fn(DeviceId) -> Vec<DeviceCommand> + Clone + Send + Sync + 'static, Refusal> {
        if let Some(DataChange::Set(data)) = &claiming.data {
            self.policy.admin_keys.check(&data.key)?;
        }
        let key_id = self.new_key_id();
        let switch = claiming.switch.map(|change| match change {
            SwitchChange::Allow => DeviceCommand::AllowClaiming,
            SwitchChange::Disallow => DeviceCommand::DisallowClaiming,
            SwitchChange::Clear => DeviceCommand::ClearClaimingSwitch,
        });
        let digester = std::sync::Arc::clone(&self.digester);
        Ok(move |device_id| {
            let data = claiming.data.as_ref().map(|change| match change {
                DataChange::Set(data) => DeviceCommand::IssueFromAdmin {
                    key_id,
                    slot: data.form,
                    key: digester.digest(tenant_id, device_id, &data.key),
                    not_before: None,
                    ends: data.expires_at.into(),
                },
                DataChange::Undecodable => DeviceCommand::RefuseClaimingData { key_id },
                DataChange::Clear => DeviceCommand::ClearClaimingData,
            });
            switch.clone().into_iter().chain(data).collect()
        })
    }

    /// Records the device's keys whose time ran out; says how many there were.
    ///
    /// # Errors
    /// [`Refusal::DeviceNotFound`] if the device is gone.
    pub async fn expire(&self, caller: &Caller, device: DeviceIdentity) -> Result<usize, Failure> {
        let request = Request::to(device.tenant_id, Target::Device(device.device_id));
        let appended = self.append(caller, request, |_| vec![DeviceCommand::ExpireKeys]).await?;
        Ok(appended.events.len())
    }

    /// A key that nobody can guess and everybody can read aloud.
    pub fn make_key(&self) -> ClaimKey {
        let mut entropy = [0; KEY_ENTROPY_BYTES];
        self.entropy.fill(&mut entropy);
        GeneratedKey::from_entropy(entropy)
    }
}

/// What came of an issue. A repeated command appended nothing: then the key is looked up where it stands, and a made
/// key is not shown again, as the one shown first is the one that counts. A key that has ended by then was issued all the
/// same, and works no longer than up to the command's own time, which is all that is known of it.
fn issued(
    appended: &Appended,
    key_id: KeyId,
    wanted: impl Fn(&ActiveKey) -> bool,
    made: Option<ClaimKey>,
) -> IssuedKey {
    let new = appended.events.iter().find_map(|event| match event {
        DeviceEvent::ClaimIssued { key_id, at, expires_at, .. } => {
            Some(IssuedKey { key_id: *key_id, made: made.clone(), issued_at: *at, expires_at: *expires_at })
        }
        _ => None,
    });
    let standing = || {
        let keys = &appended.device.registered()?.keys;
        let key = keys.iter().rev().find(|key| wanted(key))?;
        Some(IssuedKey { key_id: key.key_id, made: None, issued_at: key.issued_at, expires_at: key.expires_at })
    };
    let at = appended.recorded_at;
    new.or_else(standing).unwrap_or(IssuedKey { key_id, made: None, issued_at: at, expires_at: at })
}

impl DeviceIdentity {
    /// A device of a tenant.
    pub const fn new(tenant_id: crate::ids::TenantId, device_id: DeviceId) -> Self {
        Self { device_id, tenant_id }
    }
}
