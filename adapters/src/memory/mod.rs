//! Everything in memory: one mutex around plain collections, simple enough to be seen to be right.
//!
//! For tests, and the yardstick of the conformance suite. Nothing outlives the last clone of the store.

mod append;
mod counts;
mod feed;
mod holdings;
mod log;
mod read_models;
mod registry;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use async_trait::async_trait;
use deed_domain::{
    device::Device,
    ids::{DeviceId, Position, Sequence},
    ports::{
        Append, AppendError, Appended, Clock, DeviceWatch, DeviceWatcher, EventStore, Leases, StoreError, Written,
    },
};
use tokio::sync::watch;

use self::{append::Answers, counts::Counts, log::Log, read_models::Models, registry::Registry};
use crate::watchers::Watchers;

/// Event store, feed, read models and registry in memory. Clones share what it holds.
#[derive(Clone)]
pub struct InMemoryStore {
    held: Arc<Mutex<Held>>,
    head: Arc<watch::Sender<Position>>,
    watchers: Arc<Watchers>,
    clock: Arc<dyn Clock>,
}

/// What the mutex guards.
#[derive(Default)]
struct Held {
    log: Log,
    models: Models,
    counts: Counts,
    answers: Answers,
    registry: Registry,
}

impl fmt::Debug for InMemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryStore").field("head", &*self.head.borrow()).finish_non_exhaustive()
    }
}

impl InMemoryStore {
    /// An empty store.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { held: Arc::default(), head: Arc::new(watch::Sender::new(Position(0))), watchers: Arc::default(), clock }
    }

    /// The same store under another clock.
    #[must_use]
    pub fn with_clock(&self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self.clone() }
    }

    /// A panic while the lock is held is caught before anything is written, so what it guards is whole.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leases for InMemoryStore {}

impl DeviceWatch for InMemoryStore {
    fn watch(&self, watcher: Weak<dyn DeviceWatcher>) {
        self.watchers.add(watcher);
    }
}

#[async_trait]
impl EventStore for InMemoryStore {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let of_registry = Written::by(false, &append.registry);
        let appended = self.held().append(append, self.clock.now())?;
        self.head.send_if_modified(|head| {
            let moved = *head < appended.position;
            *head = appended.position.max(*head);
            moved
        });
        let registry = of_registry.filter(|_| appended.result.is_ok()).unwrap_or_default();
        let written = Written { other: registry.other || !appended.events.is_empty(), ..registry };
        if written != Written::default() {
            self.watchers.tell(&[(appended.device_id, written)]);
        }
        Ok(appended)
    }

    async fn load(&self, device_id: DeviceId) -> Result<(Device, Sequence), StoreError> {
        Ok(self.held().log.device(device_id))
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
