//! Everything in one PostgreSQL database, for several nodes.
//!
//! Nodes share nothing but the database. Each has a writer of its own ([`writer`]: group commit); whoever appends holds the one
//! row of `log_end` until the commit, which orders the writers and leaves no gaps. The read models and the registry stand
//! beside the log and are written in the same transaction. `docs/adr/` tells why, and what was measured.

mod check;
mod clock;
mod connection;
mod copying;
mod device_notices;
mod error;
mod event_rows;
mod feed;
mod leases;
mod log_end;
mod migrations;
mod peppers;
mod plan;
mod read_models;
mod rebuild;
mod registry;
mod sessions;
mod tls;
mod upgrade;
mod values;
mod writer;

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use deadpool_postgres::{Client, Pool, Transaction};
use deed_domain::{
    claim_key::PepperId,
    device::Device,
    ids::{DeviceId, DeviceSessionId, Sequence},
    ports::{Append, AppendError, Appended, Clock, DeviceWatch, DeviceWatcher, Entropy, EventStore, StoreError},
    time::Timestamp,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use self::copying::{Begun, Target};
pub use self::error::OpenError;
pub use self::migrations::Step;
pub use self::upgrade::Upgraded;
use self::{
    clock::DatabaseClock,
    connection::{CONNECTING, Purpose},
    error::SqlError,
    migrations::Schema,
    sessions::NewSessions,
    values::{commit, within},
    writer::{Queue, Writer},
};
use crate::{
    CheckReport, OddPepper, Progress, RebuildError, Store, notices::Notices, secrets::PepperCheck,
    surroundings::OsEntropy,
};

/// How a database is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    url: String,
    connections: usize,
    read_only: bool,
    schema: Schema,
}

impl PostgresOptions {
    /// The database at `url`, as libpq writes it, with at most so many connections besides the one that writes.
    pub fn new(url: impl Into<String>, connections: usize) -> Self {
        Self { url: url.into(), connections, read_only: false, schema: Schema::default() }
    }

    /// The same by a program that knows one more step of the schema.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn and_step(mut self, step: Step) -> Self {
        self.schema.push(step);
        self
    }

    /// The same, only to be read.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { read_only: true, ..self }
    }
}

/// The address may hold a password.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions").field("connections", &self.connections).finish_non_exhaustive()
    }
}

/// Event store, feed, read models and registry in one database. Cheap to clone.
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    pool: Pool,
    /// By which this node is known in the database, until it ends.
    node: Uuid,
    time: Time,
    /// The version of the schema that this program knows.
    known: i32,
    notices: Arc<Notices>,
    /// Sessions of devices of which the other nodes are to be told.
    sessions: Arc<NewSessions>,
    /// None if the database was opened to be read.
    queue: Option<Queue>,
    /// Whether a transaction has failed, and none has succeeded since.
    failing: Arc<AtomicBool>,
    stopping: CancellationToken,
}

/// Whose time it is.
#[derive(Clone)]
enum Time {
    /// The database's, so that all nodes have the same.
    Database(Arc<DatabaseClock>),
    /// Somebody else's: a test's.
    Given(Arc<dyn Clock>),
}

impl Time {
    fn now(&self) -> Timestamp {
        match self {
            Self::Database(clock) => clock.now(),
            Self::Given(clock) => clock.now(),
        }
    }

    /// The time of an append, when the database says that it is `told`.
    fn of_append(&self, told: Timestamp) -> Timestamp {
        match self {
            Self::Database(clock) => {
                clock.set(told);
                told
            }
            Self::Given(clock) => clock.now(),
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Opens the database; in an empty one, schema and read models are made. The time is the database's, unless a clock is
    /// given.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(options: PostgresOptions, clock: Option<Arc<dyn Clock>>) -> Result<Self, OpenError> {
        let PostgresOptions { url, connections, read_only, schema } = options;
        let server = connection::parse(&url)?;
        let server = if read_only { server } else { server.writable() };
        let pool = connection::pool(&server, Purpose::Others(connections))?;
        let notices = Arc::new(Notices::default());
        let failing = Arc::new(AtomicBool::new(false));
        let stopping = CancellationToken::new();
        copying::expect_none(&pool).await?;
        if read_only {
            schema.expect(&pool.get().await.map_err(SqlError::from)?).await?;
        } else {
            schema.make_or_expect(&pool).await?;
            rebuild::make_or_expect(&pool).await?;
        }
        let known = schema.known();
        let time = match clock {
            Some(clock) => Time::Given(clock),
            None => Time::Database(Arc::new(DatabaseClock::new(told_time(&pool).await?))),
        };
        let node = OsEntropy.new_id(time.now());
        let queue = if read_only {
            None
        } else {
            let writer = connection::pool(&server, Purpose::Writer)?;
            Some(
                Writer::new(node, writer, time.clone(), known, Arc::clone(&notices), Arc::clone(&failing))
                    .start()
                    .await?,
            )
        };
        let new_sessions = Arc::default();
        let store = Self(Arc::new(Inner {
            pool,
            node,
            time,
            known,
            notices,
            sessions: new_sessions,
            queue,
            failing,
            stopping,
        }));
        feed::start(&store).await?;
        sessions::start(&store);
        Ok(store)
    }

    /// A connection to read with, or to write to the registry.
    pub(in crate::postgres) async fn connection(&self) -> Result<Client, SqlError> {
        Ok(self.0.pool.get().await?)
    }

    /// Begins a transaction that is ordered with all appends of all nodes: until it ends, nobody else appends. With the time
    /// of it.
    pub(in crate::postgres) async fn begin<'c>(
        &self,
        client: &'c mut Client,
    ) -> Result<(Transaction<'c>, Timestamp), SqlError> {
        self.expect_writable()?;
        let tx = within(CONNECTING, client.transaction()).await?;
        let end = log_end::hold(&tx).await?.expect(self.0.known)?;
        let now = self.0.time.of_append(end.told).max(end.recorded_at);
        Ok((tx, now))
    }

    /// Begins a transaction that is not ordered with others.
    pub(in crate::postgres) async fn begin_unordered<'c>(
        &self,
        client: &'c mut Client,
    ) -> Result<(Transaction<'c>, Timestamp), SqlError> {
        self.expect_writable()?;
        let tx = within(CONNECTING, client.transaction()).await?;
        let end = log_end::read(&tx).await?.expect(self.0.known)?;
        let now = self.0.time.of_append(end.told).max(end.recorded_at);
        Ok((tx, now))
    }

    fn expect_writable(&self) -> Result<(), SqlError> {
        match self.0.queue {
            Some(_) => Ok(()),
            None => Err(not_writable()),
        }
    }

    fn now(&self) -> Timestamp {
        self.0.time.now()
    }

    fn node(&self) -> Uuid {
        self.0.node
    }

    fn notices(&self) -> &Notices {
        &self.0.notices
    }
}

fn not_writable() -> SqlError {
    SqlError::NotConnected("the store was opened to be read only".to_owned())
}

async fn told_time(pool: &Pool) -> Result<Timestamp, OpenError> {
    let client = pool.get().await.map_err(SqlError::from)?;
    Ok(log_end::read(&client).await?.told)
}

#[async_trait]
impl Store for PostgresStore {
    fn time(&self) -> Arc<dyn Clock> {
        match &self.0.time {
            Time::Database(clock) => Arc::clone(clock) as Arc<dyn Clock>,
            Time::Given(clock) => Arc::clone(clock),
        }
    }

    async fn odd_peppers(&self, checks: Vec<PepperCheck>) -> Result<Vec<OddPepper>, StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let odd = peppers::odd(&tx, checks).await?;
        if odd.is_empty() {
            commit(tx).await?;
        }
        Ok(odd)
    }

    async fn forget_pepper(&self, id: &PepperId) -> Result<bool, StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let is_known = peppers::forget(&tx, id).await?;
        commit(tx).await?;
        Ok(is_known)
    }

    fn queue_length(&self) -> usize {
        self.0.queue.as_ref().map_or(0, Queue::len)
    }

    async fn projection_lags(&self) -> Result<Vec<(String, u64)>, StoreError> {
        Ok(read_models::lags(&self.connection().await?).await?)
    }

    async fn rebuild(&self, name: &str, progress: Progress<'_>) -> Result<(), RebuildError> {
        self.rebuild(name, progress).await
    }

    async fn check(&self, progress: Progress<'_>) -> Result<CheckReport, StoreError> {
        Ok(check::check(&mut self.connection().await?, progress).await?)
    }

    async fn close(&self) {
        if let Some(queue) = &self.0.queue {
            queue.close().await;
        }
        self.0.stopping.cancel();
    }
}

impl DeviceWatch for PostgresStore {
    fn watch(&self, watcher: Weak<dyn DeviceWatcher>) {
        self.notices().watchers.add(watcher);
    }

    fn session_began(&self, device_id: DeviceId, session: DeviceSessionId) {
        self.0.sessions.add(device_id, session);
    }
}

#[async_trait]
impl EventStore for PostgresStore {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        match &self.0.queue {
            Some(queue) => queue.append(append).await,
            None => Err(StoreError::from(not_writable()).into()),
        }
    }

    async fn load(&self, device_id: DeviceId) -> Result<(Device, Sequence), StoreError> {
        Ok(event_rows::fold(&self.connection().await?, device_id).await?)
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        self.expect_writable()?;
        let mut client = self.connection().await?;
        if read_models::difference(&client).await?.is_some() {
            return Err(SqlError::Superseded.into());
        }
        if self.0.failing.load(Ordering::Relaxed) {
            let (mut tx, _) = self.begin(&mut client).await?;
            let room = within(CONNECTING, tx.savepoint("room")).await?;
            event_rows::expect_room(&room).await?;
            within(CONNECTING, room.rollback()).await?;
            log_end::touch(&tx).await?;
            commit(tx).await?;
            self.0.failing.store(false, Ordering::Relaxed);
        } else {
            log_end::read(&client).await?.expect(self.0.known)?;
        }
        Ok(())
    }
}
