//! One command within a batch: find, load, decide, check, write.

use std::panic::{AssertUnwindSafe, catch_unwind};

use deed_domain::{
    device::{Decision, Device, DeviceEvent, Refusal},
    ids::{DeviceId, Sequence},
    ports::{Append, AppendError, Appended, StoreError, Subject, Target, UniqueClaim, Written},
};
use deed_projections::Recorded;
use rusqlite::Connection;
use uuid::Uuid;

use super::{
    batch::{Batch, Stopped},
    commands, counts,
};
use crate::sqlite::{error::SqlError, event_rows, read_models, registry};

impl Batch {
    /// Nothing is written before everything that can stop this command alone has been checked.
    pub(super) fn append(&mut self, tx: &Connection, append: Append) -> Result<Appended, Stopped> {
        if let Some(answer) = commands::answered(tx, append.command)? {
            return self.repeat(tx, answer);
        }
        let device_id = match &append.target {
            Target::Device(id) => *id,
            Target::Named(tenant_id, name) => match read_models::find_named(tx, *tenant_id, name)? {
                Some(id) => id,
                None => return Ok(self.nothing_for(DeviceId(Uuid::nil()))),
            },
        };
        for party in &append.parties {
            if registry::is_gone(tx, *party)? {
                return Err(Stopped::Append(AppendError::Gone(*party)));
            }
        }
        let counts = counts::load(tx, &append.counted, device_id)?;
        let (mut device, mut sequence) = self.take(tx, device_id)?;
        let subject = Subject { device_id, device: &device, now: self.now, counts: &counts };
        let decision = catch_unwind(AssertUnwindSafe(|| (append.decide)(subject)));
        let checked = decision.map_err(|_| Stopped::Append(AppendError::Store(panicked()))).and_then(|decision| {
            if decision.result.is_ok() {
                check_unique(tx, &append.unique, device_id)?;
            }
            Ok(decision)
        });
        let written = checked.and_then(|decision| {
            self.write(tx, &append, device_id, &mut device, &mut sequence, &decision).map_err(Stopped::Batch)?;
            Ok(decision)
        });
        self.keep(device_id, device.clone(), sequence);
        let Decision { events, result, .. } = written?;
        Ok(Appended { device_id, device, events, position: self.head, recorded_at: self.now, result })
    }

    fn write(
        &mut self,
        tx: &Connection,
        append: &Append,
        device_id: DeviceId,
        device: &mut Device,
        sequence: &mut Sequence,
        decision: &Decision,
    ) -> Result<(), SqlError> {
        if !decision.events.is_empty() {
            let metadata_json = append.metadata.to_json();
            for event in &decision.events {
                self.head = self.head.next();
                *sequence = sequence.next();
                let place =
                    event_rows::Place { position: self.head, device_id, sequence: *sequence, recorded_at: self.now };
                event_rows::insert(tx, &place, event, &append.metadata, &metadata_json)?;
                let recorded = Recorded {
                    position: place.position,
                    device_id,
                    sequence: place.sequence,
                    recorded_at: self.now,
                    event,
                    metadata: &append.metadata,
                };
                read_models::project_inline(tx, &recorded)?;
                device.evolve(event);
                if matches!(event, DeviceEvent::DeviceRemoved { .. }) {
                    counts::forget(tx, device_id)?;
                }
            }
            self.touched.push((append.metadata.tenant_id, device_id));
        }
        counts::save(tx, device_id, &decision.counts)?;
        if decision.result.is_ok() {
            append.registry.iter().try_for_each(|write| registry::write(tx, write, self.now))?;
        }
        let registry = if decision.result.is_ok() { append.registry.as_slice() } else { &[] };
        self.written.extend(Written::by(!decision.events.is_empty(), registry).map(|what| (device_id, what)));
        commands::record(tx, append.command, device_id, &decision.result, self.now)
    }

    /// The answer that the command got the first time, with the device as it is now.
    fn repeat(&mut self, tx: &Connection, answer: commands::Answer) -> Result<Appended, Stopped> {
        let (device, sequence) = self.take(tx, answer.device_id)?;
        self.keep(answer.device_id, device.clone(), sequence);
        let nothing = self.nothing_for(answer.device_id);
        Ok(Appended { device, recorded_at: answer.at, result: answer.result, ..nothing })
    }

    /// Nothing happened, because there is no such device.
    fn nothing_for(&self, device_id: DeviceId) -> Appended {
        Appended {
            device_id,
            device: Device::Unregistered,
            events: Vec::new(),
            position: self.head,
            recorded_at: self.now,
            result: Err(Refusal::DeviceNotFound),
        }
    }
}

fn check_unique(tx: &Connection, claims: &[UniqueClaim], device_id: DeviceId) -> Result<(), Stopped> {
    for claim in claims {
        let taken = match claim {
            UniqueClaim::DeviceName(tenant_id, name) => {
                read_models::find_named(tx, *tenant_id, name)?.is_some_and(|bearer| bearer != device_id)
            }
            UniqueClaim::CredentialsId(_)
            | UniqueClaim::CredentialsVersion(_)
            | UniqueClaim::Gateway(_)
            | UniqueClaim::ProfileName(..)
            | UniqueClaim::ProfileAsSeen(..) => registry::is_taken(tx, claim, device_id)?,
        };
        if taken {
            return Err(Stopped::Append(AppendError::Taken(claim.clone())));
        }
    }
    Ok(())
}

fn panicked() -> StoreError {
    tracing::error!("a decision panicked; its command was not carried out");
    StoreError::Unavailable("the command could not be decided".to_owned())
}
