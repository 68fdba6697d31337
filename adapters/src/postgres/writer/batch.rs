//! The commands of one transaction: each decided on the state that the ones before it left, then all written together.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use deadpool_postgres::Transaction;
use deed_domain::{
    device::{CountChange, Decision, Device, DeviceEvent, Refusal},
    ids::{DeviceId, Position, Sequence, TenantId},
    ports::{Append, AppendError, Appended, CommandName, StoreError, Subject, Written},
    time::Timestamp,
};
use deed_projections::Recorded;
use futures_util::future::{BoxFuture, join_all};
use uuid::Uuid;

use super::{
    commands::{Answer, NewAnswers},
    counts::NewCounts,
    facts::{Fact, Facts, changed_by},
    names::BatchName,
};
use crate::postgres::{
    device_notices,
    error::SqlError,
    event_rows::{NewEvents, Place},
    log_end,
    plan::Plan,
    read_models::{self, Changes},
    registry::{self, Put},
};

/// What becomes of a command: an answer, or `None` if it has to wait for the next batch.
pub(super) type Outcome = Option<Result<Appended, AppendError>>;

/// The commands so far, and what they write.
pub(super) struct Batch {
    now: Timestamp,
    head: Position,
    facts: Facts,
    /// What commands so far have changed: who goes by it waits for the next batch.
    changed: HashSet<Fact>,
    /// Devices of commands that wait: what comes for them later waits, too, so that it does not overtake.
    held_back: HashSet<DeviceId>,
    /// Whether nothing further is taken on: one that waits is for a device that is not known yet.
    is_closed: bool,
    events: NewEvents,
    models: Vec<Box<dyn Changes>>,
    counts: NewCounts,
    answers: NewAnswers,
    puts: Plan<Put>,
    pub(super) touched: Vec<(TenantId, DeviceId)>,
    pub(super) written: Vec<(DeviceId, Written)>,
    /// Of that, what other nodes do not see from the log.
    noticed: Vec<(DeviceId, Written)>,
}

impl Batch {
    pub(super) fn new(head: Position, now: Timestamp, facts: Facts) -> Self {
        Self {
            now,
            head,
            facts,
            changed: HashSet::new(),
            held_back: HashSet::new(),
            is_closed: false,
            events: NewEvents::default(),
            models: read_models::INLINE.iter().map(|model| (model.changes)()).collect(),
            counts: NewCounts::default(),
            answers: NewAnswers::default(),
            puts: Plan::default(),
            touched: Vec::new(),
            written: Vec::new(),
            noticed: Vec::new(),
        }
    }

    /// Decides a command. Everything that can stop it alone has been checked before it adds to what is written.
    pub(super) fn append(&mut self, append: &Append) -> Outcome {
        let device_id = self.facts.device(append);
        let must_wait = self.is_closed
            || device_id.is_some_and(|id| self.held_back.contains(&id))
            || self.facts.needed(append, device_id).iter().any(|fact| self.changed.contains(fact));
        if must_wait {
            match device_id {
                Some(id) => drop(self.held_back.insert(id)),
                None => self.is_closed = true,
            }
            return None;
        }
        if let Some(answer) = self.facts.answer(append.command) {
            let Answer { device_id, at, result } = answer;
            let (device_id, at, result) = (*device_id, *at, result.clone());
            return Some(self.known(device_id).map(|(device, _)| {
                let nothing = self.nothing_for(device_id);
                Appended { device, recorded_at: at, result, ..nothing }
            }));
        }
        let Some(device_id) = device_id else { return Some(Ok(self.nothing_for(DeviceId(Uuid::nil())))) };
        Some(self.carry_out(append, device_id))
    }

    fn carry_out(&mut self, append: &Append, device_id: DeviceId) -> Result<Appended, AppendError> {
        if let Some(party) = self.facts.gone(append) {
            return Err(AppendError::Gone(party));
        }
        let counts = self.facts.counts(&append.counted, device_id);
        let (mut device, mut sequence) = self.known(device_id)?;
        let subject = Subject { device_id, device: &device, now: self.now, counts: &counts };
        let decision = catch_unwind(AssertUnwindSafe(|| (append.decide)(subject))).map_err(|_| panicked())?;
        if decision.result.is_ok()
            && let Some(taken) = append.unique.iter().find(|claim| self.facts.is_taken(claim, device_id))
        {
            return Err(AppendError::Taken(taken.clone()));
        }
        self.write(append, device_id, &mut device, &mut sequence, &decision).map_err(unwritable)?;
        self.facts.devices.insert(device_id, Ok((device.clone(), sequence)));
        let Decision { events, result, .. } = decision;
        Ok(Appended { device_id, device, events, position: self.head, recorded_at: self.now, result })
    }

    fn write(
        &mut self,
        append: &Append,
        device_id: DeviceId,
        device: &mut Device,
        sequence: &mut Sequence,
        decision: &Decision,
    ) -> Result<(), serde_json::Error> {
        let tenant_id = append.metadata.tenant_id;
        let name_before = name_of(device);
        if !decision.events.is_empty() {
            let metadata_json = append.metadata.to_json();
            for event in &decision.events {
                let position = self.head.next();
                let place = Place { position, device_id, sequence: sequence.next(), tenant_id, recorded_at: self.now };
                self.events.push(&place, event, &metadata_json)?;
                (self.head, *sequence) = (position, place.sequence);
                let recorded = Recorded {
                    position,
                    device_id,
                    sequence: place.sequence,
                    recorded_at: self.now,
                    event,
                    metadata: &append.metadata,
                };
                self.models.iter_mut().for_each(|model| model.project(&recorded));
                device.evolve(event);
                if matches!(event, DeviceEvent::DeviceRemoved { .. }) {
                    self.facts.forget_suppressed(device_id);
                    self.counts.forget(device_id);
                }
            }
            self.touched.push((tenant_id, device_id));
        }
        let name = name_of(device);
        if name != name_before {
            self.changed.extend([name_before, name].into_iter().flatten().map(|name| Fact::Name(tenant_id, name)));
        }
        for change in &decision.counts {
            match change {
                CountChange::Suppressed(kind, count) => {
                    self.facts.set_suppressed(device_id, *kind, *count);
                    self.counts.suppress(device_id, *kind, *count);
                }
                CountChange::Guesses(customer_id, window) => {
                    self.facts.set_guesses(*customer_id, *window);
                    self.counts.guess(*customer_id, *window);
                }
            }
        }
        let registry = if decision.result.is_ok() { append.registry.as_slice() } else { &[] };
        for write in registry {
            self.changed.extend(changed_by(write));
            registry::puts(write).into_iter().for_each(|put| self.puts.push(put));
        }
        self.written.extend(Written::by(!decision.events.is_empty(), registry).map(|what| (device_id, what)));
        self.noticed.extend(Written::by(false, registry).map(|what| (device_id, what)));
        if let CommandName::Once(id) = append.command {
            self.changed.insert(Fact::Answer(id));
            self.answers.push(id, device_id, &decision.result)?;
        }
        Ok(())
    }

    /// Writes what the commands have decided. No table is written by two of these parts, so that all are sent at once; the server
    /// carries them out one after another.
    pub(super) async fn flush(&mut self, tx: &Transaction<'_>, of: BatchName) -> Result<(), SqlError> {
        let (now, head, events) = (self.now, self.head, &self.events);
        let mut parts: Vec<BoxFuture<'_, Result<(), SqlError>>> = Vec::new();
        if !events.is_empty() {
            parts.push(Box::pin(events.insert(tx)));
            parts.extend(self.models.iter_mut().map(|model| model.make(tx, true)));
            parts.push(Box::pin(read_models::checkpoint_inline(tx, head)));
            parts.push(Box::pin(log_end::advance(tx, head, now)));
        }
        parts.push(Box::pin(self.counts.write(tx)));
        parts.push(Box::pin(async {
            for group in self.puts.groups() {
                registry::put_all(tx, group, now).await?;
            }
            Ok(())
        }));
        if !self.answers.is_empty() {
            parts.push(Box::pin(self.answers.insert(tx, now)));
        }
        parts.push(Box::pin(device_notices::leave(tx, of.node, &self.noticed, now)));
        parts.push(Box::pin(of.leave(tx, now)));
        // What follows a failure only says that there was one.
        let mut faults = join_all(parts).await.into_iter().filter_map(Result::err);
        let Some(first) = faults.next() else { return Ok(()) };
        Err(faults.fold(first, |known, next| if known.is_aftermath() { next } else { known }))
    }

    /// The devices as the batch has left them.
    pub(super) fn devices(&mut self) -> impl Iterator<Item = (DeviceId, Device, Sequence)> {
        let devices = std::mem::take(&mut self.facts.devices);
        devices.into_iter().filter_map(|(id, fold)| fold.ok().map(|(device, sequence)| (id, device, sequence)))
    }

    /// The device as the commands so far have made it.
    fn known(&self, device_id: DeviceId) -> Result<(Device, Sequence), AppendError> {
        match self.facts.devices.get(&device_id) {
            Some(Ok(known)) => Ok(known.clone()),
            Some(Err(damaged)) => Err(AppendError::Store(damaged.into())),
            None => Ok((Device::default(), Sequence(0))),
        }
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

fn name_of(device: &Device) -> Option<String> {
    device.registered().map(|registered| registered.name.clone())
}

fn panicked() -> AppendError {
    tracing::error!("a decision panicked; its command was not carried out");
    StoreError::Unavailable("the command could not be decided".to_owned()).into()
}

fn unwritable(error: serde_json::Error) -> AppendError {
    StoreError::Unavailable(format!("an event could not be written as JSON: {error}")).into()
}
