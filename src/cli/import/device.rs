//! A device as it is added, and what its label says.

use std::borrow::Cow;

use deed_adapters::Store;
use deed_domain::{
    claim_key::ClaimKey,
    claims::{ClaimingData, Claims, DataChange, Failure, NewDevice, ProfileChoice},
    credentials::NewCredentials,
    ids::{DeviceId, TenantId},
    metadata::{Actor, Caller, Transport},
    ports::{AppendError, CredentialsKind, UniqueClaim},
    time::Timestamp,
};

use super::{LineFailure, input::InputDevice};

/// A device with everything that it is to have.
pub(super) struct LabelledDevice {
    input: InputDevice,
    credentials: NewCredentials,
    key: ClaimKey,
    expires_at: Timestamp,
}

/// What a label says.
pub(super) struct Label {
    pub(super) name: String,
    pub(super) device_type: String,
    pub(super) label: String,
    pub(super) key: ClaimKey,
    pub(super) expires_at: Timestamp,
    /// Only a token can be printed; other credentials are what the file says.
    pub(super) access_token: Option<NewCredentials>,
    pub(super) device_id: DeviceId,
}

/// What became of a device.
pub(super) enum Added {
    /// It is on disk.
    New(Label),
    /// A device of its name was there.
    Known(String),
}

impl LabelledDevice {
    /// Makes what the file does not say.
    ///
    /// # Errors
    /// If the key has run out already.
    pub(super) fn make(
        input: InputDevice,
        claims: &Claims,
        now: Timestamp,
        valid_for: i64,
    ) -> Result<Self, LineFailure> {
        let expires_at = input.expires_at.unwrap_or(now.plus(valid_for));
        if expires_at < now {
            return Err(LineFailure::Line("expirationTime has passed".to_owned()));
        }
        let credentials = input.device.credentials.clone().unwrap_or_else(|| claims.make_token());
        let key = input.key.clone().unwrap_or_else(|| claims.make_key());
        Ok(Self { input, credentials, key, expires_at })
    }
}

/// Adds the device unless there is one of its name. What it answers is on disk.
pub(super) async fn add(
    store: &dyn Store,
    claims: &Claims,
    tenant_id: TenantId,
    device: LabelledDevice,
) -> Result<Added, LineFailure> {
    let LabelledDevice { input, credentials, key, expires_at } = device;
    let imported = input.device;
    if store.device_named(tenant_id, &imported.name).await.map_err(LineFailure::Store)?.is_some() {
        return Ok(Added::Known(imported.name));
    }
    let caller = Caller {
        actor: Actor::System,
        transport: Transport::Cli,
        correlation_id: Cow::Borrowed("import"),
        command_id: None,
    };
    let additional_info = Some(imported.additional_info(None));
    let mut attributes = imported.attributes;
    attributes.claiming.data = Some(DataChange::Set(ClaimingData { key: key.clone(), expires_at, form: input.form }));
    let new = NewDevice {
        name: imported.name,
        profile: imported.device_type.map_or(ProfileChoice::Default, ProfileChoice::Named),
        label: imported.label,
        owner: None,
        additional_info,
        credentials: Some(credentials.clone()),
    };
    let added = claims.register_with(&caller, tenant_id, new, attributes).await.map_err(failure)?;
    let registered = added.device.registered().ok_or_else(|| LineFailure::Line("it is not there".to_owned()))?;
    Ok(Added::New(Label {
        name: registered.name.clone(),
        device_type: registered.device_type.clone(),
        label: registered.label.clone().unwrap_or_default(),
        key,
        expires_at,
        access_token: (credentials.kind() == CredentialsKind::AccessToken).then_some(credentials),
        device_id: added.device_id,
    }))
}

fn failure(failure: Failure) -> LineFailure {
    match failure {
        Failure::NotAppended(AppendError::Store(error)) => LineFailure::Store(error),
        Failure::NotAppended(AppendError::Taken(UniqueClaim::CredentialsId(_))) => {
            LineFailure::Line("another device has the same credentials".to_owned())
        }
        other => LineFailure::Line(other.to_string()),
    }
}
