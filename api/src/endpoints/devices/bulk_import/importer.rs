//! Carries out an import: many lines at once, so that the store writes them together.

use deed_domain::{
    claims::{DataChange, DeviceChange, Failure, NewDevice, ProfileChoice},
    device::{OwnerChange, Refusal},
    ids::{CommandId, TenantId},
    import::{ImportPlan, ImportedDevice, PlannedLine},
    metadata::Caller,
    ports::AppendError,
};
use deed_projections::DeviceRow;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    error::{ApiError, told},
    state::ApiState,
};

/// Devices in progress.
const AT_ONCE: usize = 256;
/// How often a device that somebody else saves at the same time is updated anew.
const TRIES: u32 = 3;

/// What became of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It added a device.
    Created,
    /// Its device was there.
    Updated,
    /// The number of the line, and why nothing came of it.
    Failed(usize, String),
}

/// Imports into one tenant for one caller.
pub(super) struct Importer<'a> {
    state: &'a ApiState,
    caller: Caller,
    tenant_id: TenantId,
    update: bool,
}

impl<'a> Importer<'a> {
    pub(super) const fn new(state: &'a ApiState, caller: Caller, tenant_id: TenantId, update: bool) -> Self {
        Self { state, caller, tenant_id, update }
    }

    /// Imports; what became of each line, in the order of the file.
    ///
    /// # Errors
    /// The first failure that is none of the line's: the store is not available, or too much is waiting.
    pub(super) async fn import(&self, plan: ImportPlan) -> Result<Vec<Outcome>, ApiError> {
        stream::iter(plan.lines).map(|line| self.import_line(line)).buffered(AT_ONCE).try_collect().await
    }

    async fn import_line(&self, PlannedLine { number, device }: PlannedLine) -> Result<Outcome, ApiError> {
        let device = match device {
            Ok(device) => device,
            Err(why) => return Ok(Outcome::Failed(number, why.to_string())),
        };
        let unreadable = matches!(device.attributes.claiming.data, Some(DataChange::Undecodable));
        match self.import_one(number, device).await {
            Ok(outcome) => {
                if unreadable {
                    tracing::warn!(line = number, "the claimingData of an import cannot be read: no key comes of it");
                }
                Ok(outcome)
            }
            Err(Failure::NotAppended(fault @ (AppendError::Store(_) | AppendError::Overloaded))) => {
                Err(Failure::from(fault).into())
            }
            Err(failure) => Ok(Outcome::Failed(number, told(&failure.into()))),
        }
    }

    async fn import_one(&self, number: usize, device: ImportedDevice) -> Result<Outcome, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            let caller = self.caller_of(number, tries);
            let known = self.state.read_models.device_named(self.tenant_id, &device.name).await;
            match known.map_err(AppendError::from)? {
                None => return self.create(&caller, device).await,
                Some(_) if !self.update => return Ok(Outcome::Updated),
                Some(row) => match self.save(&caller, row, &device).await {
                    Err(Failure::Refused(Refusal::VersionConflict | Refusal::DeviceNotFound)) if tries < TRIES => {}
                    done => return done,
                },
            }
        }
    }

    async fn create(&self, caller: &Caller, device: ImportedDevice) -> Result<Outcome, Failure> {
        let additional_info = Some(device.additional_info(None));
        let new = NewDevice {
            name: device.name,
            profile: device.device_type.map_or(ProfileChoice::Default, ProfileChoice::Named),
            label: device.label,
            owner: None,
            additional_info,
            credentials: device.credentials,
        };
        self.state.claims.register_with(caller, self.tenant_id, new, device.attributes).await?;
        Ok(Outcome::Created)
    }

    /// What the line does not say stays as it is.
    async fn save(&self, caller: &Caller, row: DeviceRow, device: &ImportedDevice) -> Result<Outcome, Failure> {
        let stored = self.state.attributes.additional_info(row.device_id).await.map_err(AppendError::from)?;
        let change = DeviceChange {
            expected_version: Some(row.version),
            name: row.name,
            profile: ProfileChoice::Named(device.device_type.clone().unwrap_or(row.device_type)),
            label: device.label.clone().or(row.label),
            owner: OwnerChange::Keep,
            additional_info: Some(device.additional_info(stored)),
            credentials: device.credentials.clone(),
        };
        let attributes = device.attributes.clone();
        self.state.claims.change_with(caller, self.tenant_id, row.device_id, change, attributes).await?;
        Ok(Outcome::Updated)
    }

    /// Each line is a command of its own; of a request that is named, its name follows from that of the request.
    fn caller_of(&self, line: usize, attempt: u32) -> Caller {
        let of_line = |id: CommandId| CommandId::derive(&id.to_string(), &format!("line {line}"), &attempt.to_string());
        Caller { command_id: self.caller.command_id.map(of_line), ..self.caller.clone() }
    }
}
