//! The SQLite store passes the conformance suite, on files of its own.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use async_trait::async_trait;
use deed_adapters::{
    Store,
    conformance::{Factory, Ports},
    sqlite::{SqliteOptions, SqliteStore},
};
use deed_domain::ports::Clock;
use tempfile::TempDir;
use tokio::sync::Mutex;

/// One database file.
struct Sqlite {
    directory: TempDir,
    open: Mutex<Option<SqliteStore>>,
}

impl Sqlite {
    fn new() -> Self {
        Self { directory: TempDir::new().unwrap(), open: Mutex::default() }
    }
}

#[async_trait]
impl Factory for Sqlite {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Ports> {
        let mut open = self.open.lock().await;
        if let Some(store) = open.take() {
            store.close().await;
        }
        let store = SqliteStore::open(SqliteOptions::new(self.directory.path().join("deed.db")), clock).unwrap();
        *open = Some(store.clone());
        Arc::new(store)
    }

    fn more_than_can_wait(&self) -> Option<usize> {
        Some(20_000)
    }
}

deed_adapters::conformance_suite!(Sqlite::new());
