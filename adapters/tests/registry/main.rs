//! The registry in SQLite, through its ports.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod attributes;
mod credentials;
mod profiles;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use deed_adapters::{
    sqlite::{SqliteOptions, SqliteStore},
    surroundings::OsEntropy,
};
use deed_domain::{
    device::Decision,
    ids::{CommandId, DeviceId, TenantId},
    metadata::{Actor, Metadata, Transport},
    ports::{
        Append, AppendError, Appended, Clock, CommandName, Counted, Entropy, EventStore, RegistryWrite, Target,
        UniqueClaim,
    },
    time::Timestamp,
};
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

/// When every test begins.
const START: Timestamp = Timestamp(1_735_689_600_000);

/// A store in a directory of its own, and a clock that stands still.
struct Registry {
    store: SqliteStore,
    clock: Arc<SetClock>,
    directory: TempDir,
}

struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl Registry {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(SetClock(AtomicI64::new(START.0)));
        let store = SqliteStore::open(SqliteOptions::new(directory.path().join("deed.db")), clock.clone()).unwrap();
        Self { store, clock, directory }
    }

    fn wait_until(&self, time: Timestamp) {
        self.clock.0.store(time.0, Ordering::SeqCst);
    }

    /// The file, as any other program would open it.
    fn file(&self) -> Connection {
        Connection::open(self.directory.path().join("deed.db")).unwrap()
    }

    /// Carries out a command that appends no event.
    async fn append(
        &self,
        device_id: DeviceId,
        unique: Vec<UniqueClaim>,
        registry: Vec<RegistryWrite>,
    ) -> Result<Appended, AppendError> {
        let command_id = CommandId(new_id());
        let metadata = Metadata {
            actor: Actor::System,
            transport: Transport::Internal,
            correlation_id: "test".into(),
            command_id,
            tenant_id: TenantId(Uuid::nil()),
        };
        self.store
            .append(Append {
                target: Target::Device(device_id),
                command: CommandName::Fresh(command_id),
                metadata,
                counted: Counted::Nothing,
                decide: Box::new(|_| Decision::from(Ok(Vec::new()))),
                registry,
                unique,
                parties: Vec::new(),
            })
            .await
    }

    async fn write(&self, device_id: DeviceId, registry: Vec<RegistryWrite>) {
        self.append(device_id, Vec::new(), registry).await.unwrap();
    }
}

fn new_id<T: From<Uuid>>() -> T {
    OsEntropy.new_id(START).into()
}
