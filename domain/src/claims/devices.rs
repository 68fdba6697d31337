//! Registering, saving, assigning and deleting devices.

use serde_json::Value;

use super::{Claims, DeviceAttributes, Failure, Request};
use crate::{
    credentials::NewCredentials,
    device::{DeviceCommand, OwnerChange, UnassignReason},
    ids::{CustomerId, DeviceId, ProfileId, TenantId},
    metadata::Caller,
    ports::{
        AppendError, Appended, DEFAULT_PROFILE, DeviceCredentials, DeviceIdentity, Party, Profile, RegistryWrite,
        StoreError, Target, UniqueClaim,
    },
};

/// How often a profile that somebody else adds, renames or deletes at the same time is looked up again.
const PROFILE_TRIES: usize = 3;

/// A device to be added.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Unique among the tenant's devices.
    pub name: String,
    /// Which profile it has.
    pub profile: ProfileChoice,
    /// A free text for people.
    pub label: Option<String>,
    /// The owner from the start, if there is one.
    pub owner: Option<CustomerId>,
    /// Whatever clients keep there.
    pub additional_info: Option<Value>,
    /// What it authenticates with; `None` makes a token.
    pub credentials: Option<NewCredentials>,
}

/// Which profile a device gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileChoice {
    /// The one of that id, which must be the tenant's.
    Existing(Profile),
    /// The one of that name, added if there is none.
    Named(String),
    /// The tenant's default.
    Default,
}

/// A device's values from now on.
#[derive(Clone, Debug)]
pub struct DeviceChange {
    /// The version that the caller saw; `None` overwrites.
    pub expected_version: Option<u32>,
    /// Unique among the tenant's devices.
    pub name: String,
    /// Which profile it has.
    pub profile: ProfileChoice,
    /// A free text for people.
    pub label: Option<String>,
    /// What becomes of the owner.
    pub owner: OwnerChange,
    /// Whatever clients keep there.
    pub additional_info: Option<Value>,
    /// What it authenticates with from now on; `None` leaves what it has.
    pub credentials: Option<NewCredentials>,
}

impl Claims {
    /// Adds a device with its credentials, and its profile if that is new, in one append.
    ///
    /// # Errors
    /// [`AppendError::Taken`] if its name or its credentials are in use; [`AppendError::Gone`] if the tenant or the owner
    /// is being deleted.
    pub async fn register(&self, caller: &Caller, tenant_id: TenantId, new: NewDevice) -> Result<Appended, Failure> {
        self.register_with(caller, tenant_id, new, DeviceAttributes::default()).await
    }

    /// Adds a device as [`Claims::register`] does, with attributes, in the same append.
    ///
    /// # Errors
    /// As [`Claims::register`], and [`crate::device::Refusal::KeyTooShort`] and [`crate::device::Refusal::KeyTrivial`] by
    /// the policy; nothing is stored then.
    pub async fn register_with(
        &self,
        caller: &Caller,
        tenant_id: TenantId,
        new: NewDevice,
        attributes: DeviceAttributes,
    ) -> Result<Appended, Failure> {
        let device = DeviceIdentity::new(tenant_id, self.new_device_id());
        self.register_as(caller, device, new, attributes, None).await
    }

    /// Adds a device under that id, which is reached through a gateway, or through none.
    pub(crate) async fn register_as(
        &self,
        caller: &Caller,
        device: DeviceIdentity,
        new: NewDevice,
        attributes: DeviceAttributes,
        gateway: Option<DeviceId>,
    ) -> Result<Appended, Failure> {
        let DeviceIdentity { tenant_id, device_id } = device;
        let claiming = self.claiming_commands(tenant_id, attributes.claiming.clone())?;
        let credentials = new.credentials.unwrap_or_else(|| self.make_token());
        let record = self.record(device, &credentials);
        let mut tries = 0;
        loop {
            tries += 1;
            let (profile, is_new) = self.profile(tenant_id, &new.profile).await?;
            let mut request = Request::to(tenant_id, Target::Device(device_id));
            request.registry.push(RegistryWrite::PutAdditionalInfo(device_id, new.additional_info.clone()));
            request.unique.push(UniqueClaim::DeviceName(tenant_id, new.name.clone()));
            request.put_credentials(record.clone());
            request.registry.extend(gateway.map(|gateway| RegistryWrite::PutGateway(device_id, gateway)));
            request.parties.push(Party::Tenant(tenant_id));
            request.parties.extend(new.owner.map(Party::Customer));
            request.registry.extend(attributes.plain(device_id));
            request.use_profile(&profile, is_new);
            let command = DeviceCommand::RegisterDevice {
                tenant_id,
                name: new.name.clone(),
                device_type: profile.name,
                label: new.label.clone(),
                profile_id: profile.id,
                owner: new.owner,
            };
            let result = self.append(caller, request, together(command, claiming.clone())).await;
            if tries == PROFILE_TRIES || !is_other_profile(&result) {
                return result;
            }
        }
    }

    /// Saves a device.
    ///
    /// # Errors
    /// [`crate::device::Refusal::VersionConflict`]; [`AppendError::Taken`] if another device bears that name or has
    /// these credentials; [`AppendError::Gone`] if the new owner is being deleted.
    pub async fn change(
        &self,
        caller: &Caller,
        tenant_id: TenantId,
        device_id: DeviceId,
        change: DeviceChange,
    ) -> Result<Appended, Failure> {
        self.change_with(caller, tenant_id, device_id, change, DeviceAttributes::default()).await
    }

    /// Saves a device as [`Claims::change`] does, with attributes, in the same append.
    ///
    /// # Errors
    /// As [`Claims::change`], and those that the policy brings to [`Claims::register_with`].
    pub async fn change_with(
        &self,
        caller: &Caller,
        tenant_id: TenantId,
        device_id: DeviceId,
        change: DeviceChange,
        attributes: DeviceAttributes,
    ) -> Result<Appended, Failure> {
        let claiming = self.claiming_commands(tenant_id, attributes.claiming.clone())?;
        let mut tries = 0;
        loop {
            tries += 1;
            let (profile, is_new) = self.profile(tenant_id, &change.profile).await?;
            let mut request = Request::to(tenant_id, Target::Device(device_id));
            request.registry.push(RegistryWrite::PutAdditionalInfo(device_id, change.additional_info.clone()));
            request.unique.push(UniqueClaim::DeviceName(tenant_id, change.name.clone()));
            if let OwnerChange::SetTo(owner) = change.owner {
                request.parties.push(Party::Customer(owner));
            }
            request.registry.extend(attributes.plain(device_id));
            if let Some(credentials) = &change.credentials {
                request.put_credentials(self.record(DeviceIdentity::new(tenant_id, device_id), credentials));
            }
            request.use_profile(&profile, is_new);
            let command = DeviceCommand::ChangeDevice {
                expected_version: change.expected_version,
                name: change.name.clone(),
                device_type: profile.name,
                label: change.label.clone(),
                profile_id: profile.id,
                owner: change.owner,
            };
            let result = self.append(caller, request, together(command, claiming.clone())).await;
            if tries == PROFILE_TRIES || !is_other_profile(&result) {
                return result;
            }
        }
    }

    /// Deletes a device and what the registry holds on it; its events stay.
    ///
    /// # Errors
    /// [`crate::device::Refusal::DeviceNotFound`].
    pub async fn remove(&self, caller: &Caller, tenant_id: TenantId, device_id: DeviceId) -> Result<Appended, Failure> {
        let mut request = Request::to(tenant_id, Target::Device(device_id));
        request.registry.push(RegistryWrite::EraseDevice(device_id));
        self.append(caller, request, |_| vec![DeviceCommand::RemoveDevice]).await
    }

    /// Sets the owner without a key; again to the same customer changes nothing.
    ///
    /// # Errors
    /// [`crate::device::Refusal::DeviceNotFound`]; [`AppendError::Gone`] if the customer is being deleted.
    pub async fn assign(
        &self,
        caller: &Caller,
        tenant_id: TenantId,
        device_id: DeviceId,
        customer_id: CustomerId,
    ) -> Result<Appended, Failure> {
        let mut request = Request::to(tenant_id, Target::Device(device_id));
        request.parties.push(Party::Customer(customer_id));
        self.append(caller, request, move |_| vec![DeviceCommand::AssignDevice { customer_id }]).await
    }

    /// Takes the device from its owner.
    ///
    /// # Errors
    /// [`crate::device::Refusal::NotAssigned`].
    pub async fn unassign(
        &self,
        caller: &Caller,
        tenant_id: TenantId,
        device_id: DeviceId,
    ) -> Result<Appended, Failure> {
        let request = Request::to(tenant_id, Target::Device(device_id));
        let reason = UnassignReason::Unassigned;
        self.append(caller, request, move |_| vec![DeviceCommand::UnassignDevice { reason, only_from: None }]).await
    }

    /// The id of a device that is about to be added.
    pub(crate) fn new_device_id(&self) -> DeviceId {
        DeviceId(self.entropy.new_id(self.clock.now()))
    }

    /// The profile to use, and whether it has to be added.
    async fn profile(&self, tenant_id: TenantId, choice: &ProfileChoice) -> Result<(Profile, bool), Failure> {
        let (name, found) = match choice {
            ProfileChoice::Existing(profile) => return Ok((profile.clone(), false)),
            ProfileChoice::Named(name) => (name.as_str(), self.profiles.by_name(tenant_id, name).await),
            ProfileChoice::Default => (DEFAULT_PROFILE, self.default_profile(tenant_id).await),
        };
        if let Some(profile) = found.map_err(AppendError::from)? {
            return Ok((profile, false));
        }
        let now = self.clock.now();
        Ok((Profile::named(ProfileId(self.entropy.new_id(now)), tenant_id, now, name), true))
    }

    /// The tenant's default, or the one that is called so.
    async fn default_profile(&self, tenant_id: TenantId) -> Result<Option<Profile>, StoreError> {
        match self.profiles.default_of(tenant_id).await? {
            None => self.profiles.by_name(tenant_id, DEFAULT_PROFILE).await,
            found => Ok(found),
        }
    }
}

/// The command to a device, and those of its claiming attributes after it.
fn together(
    command: DeviceCommand,
    claiming: impl Fn(DeviceId) -> Vec<DeviceCommand> + Send + Sync + 'static,
) -> impl Fn(DeviceId) -> Vec<DeviceCommand> + Send + Sync + 'static {
    move |device_id| std::iter::once(command.clone()).chain(claiming(device_id)).collect()
}

/// Whether somebody else added the profile first, so that it is there to be used, or took it away.
fn is_other_profile(result: &Result<Appended, Failure>) -> bool {
    let Err(Failure::NotAppended(AppendError::Taken(taken))) = result else { return false };
    matches!(taken, UniqueClaim::ProfileName(..) | UniqueClaim::ProfileAsSeen(..))
}

impl Request {
    pub(super) fn put_credentials(&mut self, credentials: DeviceCredentials) {
        self.unique.push(UniqueClaim::CredentialsId(credentials.credentials_id.expose().into()));
        self.registry.push(RegistryWrite::PutCredentials(credentials));
    }

    fn use_profile(&mut self, profile: &Profile, is_new: bool) {
        if is_new {
            self.unique.push(UniqueClaim::ProfileName(profile.tenant_id, profile.name.clone()));
            self.registry.push(RegistryWrite::PutProfile(profile.clone()));
        } else {
            self.unique.push(UniqueClaim::ProfileAsSeen(profile.id, profile.name.clone()));
        }
    }
}
