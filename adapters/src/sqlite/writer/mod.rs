//! The one thread that writes: group commit.
//!
//! Jobs wait in a bounded queue. The thread takes what is there, up to [`BATCH`] jobs, carries them out one after
//! another in one transaction, commits, and only then answers each. While a commit waits for the disk, the next batch
//! gathers by itself; nothing waits for company.

mod append;
mod batch;
mod commands;
mod counts;

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use deed_domain::{
    ids::Position,
    ports::{Append, AppendError, Appended, Clock, StoreError},
    time::Timestamp,
};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use self::batch::Batch;
use super::error::{OpenError, SqlError, is_contradiction};
use crate::{folded::Folded, notices::Notices};

/// Most jobs in one transaction.
const BATCH: usize = 512;
/// Most jobs that wait; beyond it, senders are told that the store is overloaded.
const QUEUE: usize = 16_384;

/// A clock that is so far behind the log is worth a line in the service's own; milliseconds.
const NOTICEABLE_MS: i64 = 1_000;

/// Pages in the write-ahead log (of 4 KiB) from which on they are moved into the database. Larger moves a page that
/// changes often less often, smaller keeps the file and the pause shorter.
const CHECKPOINT: i64 = 4_096;

/// Something for the writer to do.
pub(in crate::sqlite) enum Job {
    /// Carry out a command.
    Append(Box<Append>, oneshot::Sender<Result<Appended, AppendError>>),
    /// Write to the registry.
    Write(Box<dyn RegistryJob>),
    /// Finish what waits, then stop.
    Close(oneshot::Sender<()>),
}

/// A write beside the log. It undoes what it did if it fails, and is told how the commit went.
pub(in crate::sqlite) trait RegistryJob: Send {
    /// Writes within the batch's transaction.
    fn run(&mut self, tx: &Connection, now: Timestamp) -> rusqlite::Result<()>;
    /// Answers whoever waits.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// The sending end of the queue.
#[derive(Clone)]
pub(in crate::sqlite) struct Queue(mpsc::Sender<Job>);

impl Queue {
    /// Puts a job into the queue, or gives it back with the reason.
    pub(in crate::sqlite) fn send(&self, job: Job) -> Result<(), AppendError> {
        self.0.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => AppendError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => AppendError::Store(closed()),
        })
    }

    /// Puts a job into the queue, after a wait if it is full; drops it if nobody takes jobs any more.
    pub(in crate::sqlite) async fn send_when_there_is_room(&self, job: Job) {
        let _ = self.0.send(job).await;
    }

    /// How many jobs wait.
    pub(in crate::sqlite) fn len(&self) -> usize {
        self.0.max_capacity() - self.0.capacity()
    }
}

pub(in crate::sqlite) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

/// The writer's own: its connection, and what it remembers between batches.
pub(in crate::sqlite) struct Writer {
    connection: Connection,
    clock: Arc<dyn Clock>,
    notices: Arc<Notices>,
    head: Position,
    last_recorded_at: Timestamp,
    devices: Folded,
    /// Told whether the last transaction failed.
    failing: Arc<AtomicBool>,
    /// Whether the clock is known to be behind the log.
    is_behind: bool,
    /// Whether a batch has been undone because one command contradicted what is stored.
    is_careful: bool,
}

impl Writer {
    /// Takes over the connection and goes on where the log ends.
    pub(in crate::sqlite) fn new(
        connection: Connection,
        clock: Arc<dyn Clock>,
        notices: Arc<Notices>,
        failing: Arc<AtomicBool>,
    ) -> Result<Self, OpenError> {
        let (head, last_recorded_at) = end_of_log(&connection)?;
        Ok(Self {
            connection,
            clock,
            notices,
            head,
            last_recorded_at,
            devices: Folded::default(),
            failing,
            is_behind: false,
            is_careful: false,
        })
    }

    /// Starts the thread.
    pub(in crate::sqlite) fn start(mut self) -> Result<(Queue, JoinHandle<()>), OpenError> {
        let (sender, mut receiver) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new().name("deed-writer".to_owned()).spawn(move || {
            let mut closing = None;
            while closing.is_none()
                && let Some(first) = receiver.blocking_recv()
            {
                let mut jobs = vec![first];
                while jobs.len() < BATCH
                    && let Ok(job) = receiver.try_recv()
                {
                    jobs.push(job);
                }
                closing = self.carry_out(jobs);
                self.checkpoint();
            }
            receiver.close();
            // The next start finds an empty write-ahead log. If this fails, SQLite does it then.
            let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
            drop(self);
            if let Some(closed) = closing {
                let _ = closed.send(());
            }
        })?;
        Ok((Queue(sender), thread))
    }

    /// Moves the write-ahead log into the database once it is long; nobody waits for an answer meanwhile. What a reader
    /// still needs stays for the next time.
    fn checkpoint(&self) {
        let pages = |mode: &str| {
            let mut statement = self.connection.prepare_cached(mode)?;
            statement.query_row([], |row| row.get::<_, i64>("log"))
        };
        let moved = pages("PRAGMA wal_checkpoint(NOOP)").and_then(|waiting| match waiting {
            CHECKPOINT.. => pages("PRAGMA wal_checkpoint(PASSIVE)").map(drop),
            _ => Ok(()),
        });
        if let Err(error) = moved {
            tracing::warn!(%error, "the write-ahead log could not be moved into the database; trying again");
        }
    }

    /// The time of a batch: the clock's, but never before that of the last event. A clock that was set back stands still
    /// until it has caught up, which has to be seen, as keys live longer meanwhile.
    fn now(&mut self) -> Timestamp {
        let clock = self.clock.now();
        let behind_ms = self.last_recorded_at.since(clock).max(0);
        #[expect(clippy::cast_precision_loss, reason = "a metric; a clock is not millions of years off")]
        metrics::gauge!("deed_clock_behind_seconds").set(behind_ms as f64 / 1_000.0);
        match behind_ms >= NOTICEABLE_MS {
            true if !self.is_behind => {
                tracing::warn!(
                    behind_ms,
                    "the clock is behind the last event; time stands still until it has caught up"
                );
            }
            false if self.is_behind => tracing::info!("the clock has caught up with the last event"),
            _ => {}
        }
        self.is_behind = behind_ms >= NOTICEABLE_MS;
        clock.max(self.last_recorded_at)
    }

    /// One batch: all of it durable, or none. Gives back who waits for the store to close, if anybody does.
    fn carry_out(&mut self, jobs: Vec<Job>) -> Option<oneshot::Sender<()>> {
        #[expect(clippy::disallowed_methods, reason = "a duration for a metric; decides nothing")]
        let started = Instant::now();
        let mut closing = None;
        let now = self.now();
        let jobs: Vec<Job> = jobs
            .into_iter()
            .filter_map(|job| match job {
                Job::Close(sender) => {
                    closing = Some(sender);
                    None
                }
                job => Some(job),
            })
            .collect();
        let size = jobs.len();
        let mut batch = Batch::new(self.head, now, mem::take(&mut self.devices), self.is_careful);
        let committed = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(SqlError::from)
            .and_then(|tx| {
                batch.run(&tx, jobs)?;
                Ok(tx.commit()?)
            })
            .map_err(|error| {
                // Whoever tries again is answered by itself then.
                self.is_careful |= matches!(&error, SqlError::Sqlite(error) if is_contradiction(error));
                let error = StoreError::from(error);
                tracing::error!(%error, jobs = size, "a batch could not be committed; nothing of it was written");
                error
            });
        if committed.is_err() {
            self.failing.store(true, Ordering::Relaxed);
        }
        if committed.is_ok() {
            if batch.position() > self.head {
                self.last_recorded_at = now;
            }
            self.head = batch.position();
        } else if let Ok((head, last)) = end_of_log(&self.connection) {
            // Whatever became of the batch, the file says where the log ends.
            (self.head, self.last_recorded_at) = (head, self.last_recorded_at.max(last));
        }
        #[expect(clippy::cast_precision_loss, reason = "a batch has at most a few hundred jobs")]
        metrics::histogram!("deed_append_batch_size").record(size as f64);
        metrics::histogram!("deed_append_duration_seconds").record(started.elapsed());
        self.devices = batch.answer(committed, &self.notices);
        closing
    }
}

/// The last event's position and time.
fn end_of_log(connection: &Connection) -> rusqlite::Result<(Position, Timestamp)> {
    let (head, last): (i64, i64) = connection.query_row(
        "SELECT ifnull(max(position), 0), ifnull((SELECT recorded_at FROM events ORDER BY position DESC LIMIT 1), 0)
         FROM events",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok((Position(u64::try_from(head).unwrap_or_default()), Timestamp(last)))
}
