//! Everything in one SQLite file: the embedded default.
//!
//! One thread writes ([`writer`]: group commit), a few connections read ([`readers`]). The log stands in `events`; the
//! read models stand beside it and are written in the same transaction, as are the registry's tables. `docs/adr/` tells
//! why, and what was measured.

mod check;
mod connection;
mod copying;
mod error;
mod event_rows;
mod feed;
mod migrations;
mod read_models;
mod readers;
mod rebuild;
mod registry;
mod values;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use async_trait::async_trait;
use deed_domain::{
    claim_key::PepperId,
    device::Device,
    ids::{DeviceId, Sequence},
    ports::{Append, AppendError, Appended, Clock, DeviceWatch, DeviceWatcher, EventStore, Leases, StoreError},
    time::Timestamp,
};
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

pub use self::error::OpenError;
pub(crate) use self::{check::check_file, copying::Source};
use self::{
    error::SqlError,
    readers::Readers,
    writer::{Job, Queue, RegistryJob, Writer},
};
use crate::{CheckReport, OddPepper, Progress, RebuildError, Store, notices::Notices, secrets::PepperCheck};

/// How a database file is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    path: PathBuf,
    read_only: bool,
}

impl SqliteOptions {
    /// The file at `path`, made if it is not there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), read_only: false }
    }

    /// The file at `path`, only to be read, beside a process that may be writing it.
    pub fn read_only(path: impl Into<PathBuf>) -> Self {
        Self { read_only: true, ..Self::new(path) }
    }
}

/// So many bytes have to find room in the log before a store that has failed counts as writable.
const ROOM: usize = 1 << 20;

/// Event store, feed, read models and registry in one file. Cheap to clone.
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    readers: Readers,
    notices: Arc<Notices>,
    /// None if the file was opened to be read.
    queue: Option<Queue>,
    /// Whether a transaction has failed, and no check has found since that the next one would not.
    failing: Arc<AtomicBool>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the file, brings its schema up to date, and rebuilds read models whose projection has changed.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(options: SqliteOptions, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let SqliteOptions { path, read_only } = options;
        let notices = Arc::new(Notices::default());
        let failing = Arc::new(AtomicBool::new(false));
        let (queue, writer) = if read_only {
            if !path.exists() {
                return Err(OpenError::Missing);
            }
            migrations::expect_current(&connection::open_reader(&path)?)?;
            (None, None)
        } else {
            let mut connection = connection::open_writer(&path)?;
            migrations::migrate(&mut connection)?;
            rebuild::bring_up_to_date(&mut connection)?;
            let (queue, thread) =
                Writer::new(connection, Arc::clone(&clock), Arc::clone(&notices), Arc::clone(&failing))?.start()?;
            (Some(queue), Some(thread))
        };
        let readers = Readers::open(&path)?;
        Ok(Self(Arc::new(Inner { path, clock, readers, notices, queue, failing, writer: Mutex::new(writer) })))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether the log takes as much as a large batch needs: one page can find room where a command does not.
    async fn check_room(&self) -> Result<(), StoreError> {
        self.write(|tx, _| {
            let fill = format!(
                "CREATE TABLE IF NOT EXISTS room (bytes BLOB) STRICT; INSERT INTO room VALUES (zeroblob({ROOM}))"
            );
            Ok(tx.execute_batch(&fill)?)
        })
        .await?;
        // Only once it was written: what one transaction adds and takes away is not written at all.
        self.write(|tx, _| Ok(tx.execute_batch("DROP TABLE IF EXISTS room")?)).await
    }

    /// Runs a read of one row or a few where it is asked for: a hand-over to another thread and back takes longer than
    /// the read itself (`docs/adr/0009-lookups-in-place.md`).
    pub(in crate::sqlite) async fn lookup<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.0.readers.run_here(read) {
            Ok(result) => Ok(result?),
            Err(read) => self.read(read).await,
        }
    }

    /// Runs a read that may take long on a thread of its own.
    pub(in crate::sqlite) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.readers.run(read).await
    }

    /// Runs a write in the writer's transaction, together with whatever else waits; answers when it is durable. An
    /// error undoes this write alone. `now` is the time of the append.
    pub(in crate::sqlite) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection, Timestamp) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let job = Box::new(PendingWrite { write: Some(write), result: None, sender });
        self.send(Job::Write(job)).map_err(|error| match error {
            AppendError::Store(error) => error,
            other => StoreError::Unavailable(other.to_string()),
        })?;
        receiver.await.map_err(|_| writer::closed())?
    }

    fn notices(&self) -> &Notices {
        &self.0.notices
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    fn send(&self, job: Job) -> Result<(), AppendError> {
        match &self.0.queue {
            Some(queue) => queue.send(job),
            None => Err(StoreError::Unavailable("the store was opened to be read only".to_owned()).into()),
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn time(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.clock)
    }

    async fn odd_peppers(&self, checks: Vec<PepperCheck>) -> Result<Vec<OddPepper>, StoreError> {
        self.write(move |tx, _| {
            let mut odd = Vec::new();
            for (id, digest) in checks {
                tx.prepare_cached("INSERT OR IGNORE INTO pepper_checks (pepper, digest) VALUES (?1, ?2)")?
                    .execute(params![id.0, digest.as_slice()])?;
                let mut known = tx.prepare_cached("SELECT digest = ?2 FROM pepper_checks WHERE pepper = ?1")?;
                if !known.query_row(params![id.0, digest.as_slice()], |row| row.get(0))? {
                    odd.push(OddPepper::Changed(id));
                }
            }
            Ok(odd)
        })
        .await
    }

    async fn forget_pepper(&self, id: &PepperId) -> Result<bool, StoreError> {
        let id = id.0.clone();
        self.write(move |tx, _| Ok(tx.execute("DELETE FROM pepper_checks WHERE pepper = ?1", [id])? > 0)).await
    }

    fn queue_length(&self) -> usize {
        self.0.queue.as_ref().map_or(0, Queue::len)
    }

    async fn projection_lags(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.lookup(read_models::lags).await
    }

    async fn rebuild(&self, name: &str, progress: Progress<'_>) -> Result<(), RebuildError> {
        self.rebuild(name, progress)
    }

    async fn check(&self, progress: Progress<'_>) -> Result<CheckReport, StoreError> {
        self.check(progress)
    }

    async fn close(&self) {
        let (sender, closed) = oneshot::channel();
        if let Some(queue) = &self.0.queue {
            queue.send_when_there_is_room(Job::Close(sender)).await;
            // Somebody else may have closed it.
            let _ = closed.await;
        }
        let thread = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The thread has said that it is done.
            let _ = thread.join();
        }
    }
}

impl Leases for SqliteStore {}

impl DeviceWatch for SqliteStore {
    fn watch(&self, watcher: Weak<dyn DeviceWatcher>) {
        self.notices().watchers.add(watcher);
    }
}

#[async_trait]
impl EventStore for SqliteStore {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let (sender, receiver) = oneshot::channel();
        self.send(Job::Append(Box::new(append), sender))?;
        receiver.await.map_err(|_| writer::closed())?
    }

    async fn load(&self, device_id: DeviceId) -> Result<(Device, Sequence), StoreError> {
        self.read(move |connection| event_rows::fold(connection, device_id)).await
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        match &self.0.queue {
            Some(_) if !self.0.failing.load(Ordering::Relaxed) => Ok(()),
            Some(_) => {
                self.check_room().await?;
                self.0.failing.store(false, Ordering::Relaxed);
                Ok(())
            }
            None => Err(StoreError::Unavailable("the store was opened to be read only".to_owned())),
        }
    }
}

/// A registry write on its way through the queue.
struct PendingWrite<T, F> {
    write: Option<F>,
    result: Option<Result<T, SqlError>>,
    sender: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> RegistryJob for PendingWrite<T, F>
where
    T: Send,
    F: FnOnce(&Connection, Timestamp) -> Result<T, SqlError> + Send,
{
    fn run(&mut self, tx: &Connection, now: Timestamp) -> rusqlite::Result<()> {
        let Some(write) = self.write.take() else { return Ok(()) };
        tx.execute_batch("SAVEPOINT registry_write")?;
        let result = write(tx, now);
        tx.execute_batch(if result.is_ok() {
            "RELEASE registry_write"
        } else {
            "ROLLBACK TO registry_write; RELEASE registry_write"
        })?;
        self.result = Some(result);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { result, sender, .. } = *self;
        let result = committed.and_then(|()| match result {
            Some(result) => Ok(result?),
            None => Err(writer::closed()),
        });
        // Whoever asked may have gone away; the write is done all the same.
        let _ = sender.send(result);
    }
}
