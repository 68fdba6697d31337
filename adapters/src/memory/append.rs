//! One command: find, load, decide, check, write.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use deed_domain::{
    device::{DeviceEvent, Refusal},
    ids::{CommandId, DeviceId},
    ports::{Append, AppendError, Appended, CommandName, StoreError, Subject, Target, UniqueClaim},
    time::{DAY, Timestamp},
};
use deed_projections::Recorded;
use uuid::Uuid;

use super::Held;

/// What commands were answered that their callers named.
pub(super) type Answers = BTreeMap<CommandId, Answer>;

/// What a command was answered, and when.
pub(super) struct Answer {
    device_id: DeviceId,
    at: Timestamp,
    result: Result<(), Refusal>,
}

impl Held {
    pub(super) fn append(&mut self, append: Append, clock: Timestamp) -> Result<Appended, AppendError> {
        let now = self.log.now(clock);
        if let CommandName::Once(id) = append.command {
            self.answers.retain(|_, answer| now.since(answer.at) <= DAY);
            if let Some(Answer { device_id, at, result }) = self.answers.get(&id) {
                return Ok(self.nothing(*device_id, *at, result.clone()));
            }
        }
        let device_id = match &append.target {
            Target::Device(id) => *id,
            Target::Named(tenant_id, name) => match self.models.devices.device_named(*tenant_id, name) {
                Some(row) => row.device_id,
                None => return Ok(self.nothing(DeviceId(Uuid::nil()), now, Err(Refusal::DeviceNotFound))),
            },
        };
        if let Some(party) = append.parties.iter().find(|party| self.registry.is_gone(**party)) {
            return Err(AppendError::Gone(*party));
        }
        let (device, _) = self.log.device(device_id);
        let counts = self.counts.asked_for(&append.counted, device_id, &self.registry);
        let subject = Subject { device_id, device: &device, now, counts: &counts };
        let decision = catch_unwind(AssertUnwindSafe(|| (append.decide)(subject)))
            .map_err(|_| StoreError::Unavailable("the command could not be decided".to_owned()))?;
        if decision.result.is_ok()
            && let Some(taken) = append.unique.iter().find(|claim| self.is_taken(claim, device_id))
        {
            return Err(AppendError::Taken(taken.clone()));
        }

        for event in &decision.events {
            let (position, sequence) = self.log.push(device_id, event, &append.metadata, now)?;
            let metadata = &append.metadata;
            self.models.project(&Recorded { position, device_id, sequence, recorded_at: now, event, metadata });
            if matches!(event, DeviceEvent::DeviceRemoved { .. }) {
                self.counts.forget(device_id);
            }
        }
        self.counts.save(device_id, &decision.counts);
        if decision.result.is_ok() {
            append.registry.into_iter().for_each(|write| self.registry.write(write, now));
        }
        if let CommandName::Once(id) = append.command {
            self.answers.insert(id, Answer { device_id, at: now, result: decision.result.clone() });
        }
        Ok(Appended { events: decision.events, ..self.nothing(device_id, now, decision.result) })
    }

    /// The answer to a command that appends nothing more.
    fn nothing(&self, device_id: DeviceId, now: Timestamp, result: Result<(), Refusal>) -> Appended {
        let (device, _) = self.log.device(device_id);
        Appended { device_id, device, events: Vec::new(), position: self.log.head(), recorded_at: now, result }
    }

    fn is_taken(&self, claim: &UniqueClaim, device_id: DeviceId) -> bool {
        match claim {
            UniqueClaim::DeviceName(tenant_id, name) => {
                self.models.devices.device_named(*tenant_id, name).is_some_and(|bearer| bearer.device_id != device_id)
            }
            UniqueClaim::CredentialsId(id) => self
                .registry
                .credentials
                .values()
                .any(|of| of.device_id != device_id && of.credentials_id.expose() == id),
            UniqueClaim::CredentialsVersion(version) => {
                self.registry.credentials.get(&device_id).is_none_or(|of| of.version != *version)
            }
            UniqueClaim::Gateway(gateway) => self.registry.is_anothers(*gateway, device_id),
            UniqueClaim::ProfileName(tenant_id, name) => self.registry.profile_named(*tenant_id, name).is_some(),
            UniqueClaim::ProfileAsSeen(id, name) => {
                self.registry.profile(*id).is_none_or(|profile| profile.name != *name)
            }
        }
    }
}
