//! The jobs of one transaction.

use deed_domain::{
    device::Device,
    ids::{DeviceId, Position, Sequence, TenantId},
    ports::{Append, AppendError, Appended, StoreError, Written},
    time::Timestamp,
};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Job, RegistryJob};
use crate::{
    folded::Folded,
    notices::Notices,
    sqlite::{
        error::{SqlError, is_contradiction},
        event_rows, read_models,
    },
};

/// What becomes of the batch's jobs, and what it knows of the devices that they are about.
pub(super) struct Batch {
    pub(super) now: Timestamp,
    pub(super) head: Position,
    pub(super) touched: Vec<(TenantId, DeviceId)>,
    pub(super) written: Vec<(DeviceId, Written)>,
    devices: Folded,
    started_at: Position,
    /// Whether one append that contradicts what is stored is undone alone.
    is_careful: bool,
    appends: Vec<Answered>,
    writes: Vec<Box<dyn RegistryJob>>,
}

type Answered = (oneshot::Sender<Result<Appended, AppendError>>, Result<Appended, AppendError>);

/// Why an append wrote nothing.
pub(super) enum Stopped {
    /// It alone cannot be carried out.
    Append(AppendError),
    /// SQLite failed, or it is half written; so fails the batch.
    Batch(SqlError),
}

/// Before anything is written, damaged data stops the one command that needs it.
impl From<SqlError> for Stopped {
    fn from(error: SqlError) -> Self {
        match error {
            sqlite @ SqlError::Sqlite(_) => Self::Batch(sqlite),
            damaged @ SqlError::Damaged { .. } => Self::Append(AppendError::Store(damaged.into())),
        }
    }
}

impl Batch {
    pub(super) fn new(head: Position, now: Timestamp, devices: Folded, is_careful: bool) -> Self {
        Self {
            now,
            head,
            touched: Vec::new(),
            written: Vec::new(),
            devices,
            started_at: head,
            is_careful,
            appends: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// The position of the last event.
    pub(super) const fn position(&self) -> Position {
        self.head
    }

    /// Carries out the jobs in turn. Every job is kept to be answered, also when this fails.
    pub(super) fn run(&mut self, tx: &Connection, jobs: Vec<Job>) -> Result<(), SqlError> {
        let mut failed = None;
        for job in jobs {
            match job {
                Job::Append(append, sender) => {
                    let result = match &failed {
                        Some(_) => Err(AppendError::Store(super::closed())),
                        None => match self.append_alone(tx, *append) {
                            Ok(appended) => Ok(appended),
                            Err(Stopped::Append(error)) => Err(error),
                            Err(Stopped::Batch(error)) => {
                                failed = Some(error);
                                Err(AppendError::Store(super::closed()))
                            }
                        },
                    };
                    self.appends.push((sender, result));
                }
                Job::Write(mut write) => {
                    if failed.is_none()
                        && let Err(error) = write.run(tx, self.now)
                    {
                        failed = Some(error.into());
                    }
                    self.writes.push(write);
                }
                Job::Close(_) => {}
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if self.head > self.started_at {
            read_models::checkpoint_inline(tx, self.head)?;
        }
        Ok(())
    }

    /// One append. Once one has contradicted what is stored, each gets a savepoint, or a damaged device would undo the batches
    /// of all others.
    fn append_alone(&mut self, tx: &Connection, append: Append) -> Result<Appended, Stopped> {
        if !self.is_careful {
            return self.append(tx, append);
        }
        let (head, touched, written) = (self.head, self.touched.len(), self.written.len());
        tx.execute_batch("SAVEPOINT append").map_err(SqlError::from)?;
        let result = self.append(tx, append);
        if let Err(Stopped::Batch(SqlError::Sqlite(error))) = &result
            && is_contradiction(error)
        {
            tracing::error!(%error, "a command contradicts what is stored, and was not carried out; run `deed check`");
            tx.execute_batch("ROLLBACK TO append; RELEASE append").map_err(SqlError::from)?;
            (self.head, self.devices) = (head, Folded::default());
            self.touched.truncate(touched);
            self.written.truncate(written);
            return Err(Stopped::Append(AppendError::Store(StoreError::Corrupt(error.to_string()))));
        }
        tx.execute_batch("RELEASE append").map_err(SqlError::from)?;
        result
    }

    /// Answers everybody, then wakes who follows the log. Gives back what is known of the devices: nothing after a batch
    /// that was undone.
    pub(super) fn answer(self, committed: Result<(), StoreError>, notices: &Notices) -> Folded {
        for (sender, result) in self.appends {
            let result = match &committed {
                Ok(()) => result,
                Err(error) => Err(AppendError::Store(error.clone())),
            };
            // Whoever asked may have gone away; the command is carried out all the same.
            let _ = sender.send(result);
        }
        for write in self.writes {
            write.answer(committed.clone());
        }
        if committed.is_err() {
            return Folded::default();
        }
        notices.notify(&self.touched);
        notices.watchers.tell(&self.written);
        self.devices
    }

    /// The device as the commands so far have made it; put back by [`Batch::keep`].
    pub(super) fn take(&mut self, tx: &Connection, device_id: DeviceId) -> Result<(Device, Sequence), SqlError> {
        match self.devices.take(device_id) {
            Some(known) => Ok(known),
            None => event_rows::fold(tx, device_id),
        }
    }

    pub(super) fn keep(&mut self, device_id: DeviceId, device: Device, sequence: Sequence) {
        self.devices.keep(device_id, device, sequence);
    }
}
