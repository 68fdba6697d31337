//! The in-memory store passes the conformance suite.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use deed_adapters::{
    conformance::{Factory, Ports},
    memory::InMemoryStore,
};
use deed_domain::ports::Clock;

/// One store, opened again under another clock.
#[derive(Default)]
struct InMemory(Mutex<Option<InMemoryStore>>);

#[async_trait]
impl Factory for InMemory {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Ports> {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = match store.take() {
            Some(store) => store.with_clock(clock),
            None => InMemoryStore::new(clock),
        };
        *store = Some(opened.clone());
        Arc::new(opened)
    }

    fn more_than_can_wait(&self) -> Option<usize> {
        None
    }
}

deed_adapters::conformance_suite!(InMemory::default());
