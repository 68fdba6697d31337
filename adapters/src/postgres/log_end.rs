//! The one row that says where the log ends, and orders those who append.

use deadpool_postgres::GenericClient;
use deed_domain::{ids::Position, time::Timestamp};
use futures_util::future::try_join;
use tokio_postgres::Row;

use super::{
    error::SqlError,
    values::{Column, PATIENCE, execute, query_one, signed, within},
};

/// Where the log ends.
pub(in crate::postgres) struct LogEnd {
    /// The last event's position.
    pub(in crate::postgres) position: Position,
    /// When it was recorded.
    pub(in crate::postgres) recorded_at: Timestamp,
    /// The time of the database.
    pub(in crate::postgres) told: Timestamp,
    /// Which version of the schema a program has to know.
    needs: i32,
}

impl LogEnd {
    /// Checks that a program that knows this version of the schema may still write.
    pub(in crate::postgres) fn expect(self, known: i32) -> Result<Self, SqlError> {
        if self.needs > known { Err(SqlError::Superseded) } else { Ok(self) }
    }
}

const SELECT: &str = "SELECT position, recorded_at, (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
     (SELECT needs FROM schema_version) FROM log_end";

fn from_row(row: &Row) -> Result<LogEnd, SqlError> {
    let column = |name, index| Column::new("log_end", name, index);
    Ok(LogEnd {
        position: Position(column("position", 0).unsigned(row)?),
        recorded_at: Timestamp(column("recorded_at", 1).get(row)?),
        told: Timestamp(column("told", 2).get(row)?),
        needs: Column::new("schema_version", "needs", 3).get(row)?,
    })
}

/// Where the log ends at this moment.
pub(in crate::postgres) async fn read(client: &impl GenericClient) -> Result<LogEnd, SqlError> {
    from_row(&query_one(client, SELECT, &[]).await?)
}

/// Holds the row until the transaction ends. The time is that after whoever held it before has let it go.
pub(in crate::postgres) async fn hold(tx: &impl GenericClient) -> Result<LogEnd, SqlError> {
    // Two statements: in one, the clock would be read before the wait.
    let (_, end) = try_join(lock(tx), read(tx)).await?;
    Ok(end)
}

/// The same without looking at it. The statement is not prepared, so that it is sent at once, ahead of whatever is asked together
/// with this.
pub(in crate::postgres) async fn lock(tx: &impl GenericClient) -> Result<(), SqlError> {
    within(PATIENCE, tx.batch_execute("SELECT FROM log_end FOR UPDATE")).await
}

/// Moves it; it must be held.
pub(in crate::postgres) async fn advance(
    tx: &impl GenericClient,
    position: Position,
    recorded_at: Timestamp,
) -> Result<(), SqlError> {
    let sql = "UPDATE log_end SET position = $1, recorded_at = $2";
    execute(tx, sql, &[&signed(position.0), &recorded_at.0]).await.map(drop)
}

/// Writes it as it is: whether the database takes writes.
pub(in crate::postgres) async fn touch(tx: &impl GenericClient) -> Result<(), SqlError> {
    execute(tx, "UPDATE log_end SET position = position", &[]).await.map(drop)
}
