//! By which a batch is known again, when the answer to its commit got lost.

use deadpool_postgres::GenericClient;
use deed_domain::time::{DAY, Timestamp};
use uuid::Uuid;

use crate::postgres::{
    error::SqlError,
    values::{Column, execute, query_opt},
};

/// The node that made it, and how many it had made by then.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchName {
    pub(super) node: Uuid,
    pub(super) number: i64,
}

impl BatchName {
    /// Says in the batch's own transaction that it was made.
    pub(super) async fn leave(self, tx: &impl GenericClient, now: Timestamp) -> Result<(), SqlError> {
        let sql = "INSERT INTO writers (node, batch, written_at) VALUES ($1, $2, $3)
             ON CONFLICT (node) DO UPDATE SET batch = excluded.batch, written_at = excluded.written_at";
        execute(tx, sql, &[&self.node, &self.number, &now.0]).await.map(drop)
    }

    /// Whether it was made, if no later one of its node was.
    pub(super) async fn was_made(self, client: &impl GenericClient) -> Result<bool, SqlError> {
        let row = query_opt(client, "SELECT node, batch FROM writers WHERE node = $1", &[&self.node]).await?;
        let last = row.map(|row| Column::new("writers", "batch", 1).get::<i64>(&row)).transpose()?;
        Ok(last == Some(self.number))
    }
}

/// Forgets the nodes that have appended nothing for a day; one that is still there comes back with its next batch.
pub(in crate::postgres) async fn forget(client: &impl GenericClient, now: Timestamp) -> Result<(), SqlError> {
    execute(client, "DELETE FROM writers WHERE written_at < $1", &[&now.plus(-DAY).0]).await.map(drop)
}
