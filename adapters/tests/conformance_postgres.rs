//! The conformance suite over PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use async_trait::async_trait;
use deed_adapters::{
    Store,
    conformance::{Factory, Ports, new_database},
    conformance_suite,
    postgres::{PostgresOptions, PostgresStore},
};
use deed_domain::ports::Clock;
use tokio::sync::Mutex;

/// A database of its own, and what is open on it.
#[derive(Default)]
struct Database(Mutex<Option<(String, PostgresStore)>>);

#[async_trait]
impl Factory for Database {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Ports> {
        let mut opened = self.0.lock().await;
        let url = match opened.take() {
            Some((url, before)) => {
                before.close().await;
                url
            }
            None => new_database(),
        };
        let store = PostgresStore::open(PostgresOptions::new(&url, 4), Some(clock)).await.unwrap();
        *opened = Some((url, store.clone()));
        Arc::new(store)
    }

    fn more_than_can_wait(&self) -> Option<usize> {
        Some(20_000)
    }
}

conformance_suite!(Database::default());
