//! The steps that lead from an empty database to the present schema. A step that has been released is never edited.

use deadpool_postgres::Pool;

use super::{
    error::{OpenError, SqlError},
    values::{execute, query_one},
};

const STEPS: &[&str] = &[include_str!("migrations/0001_event_log.sql"), include_str!("migrations/0002_registry.sql")];

/// Held while the schema changes, so that of many nodes that start at once one does it: a number that nobody else uses.
const LOCK: i64 = 0x6465_6564;

/// Brings the database up to date, all steps in one transaction.
pub(in crate::postgres) async fn migrate(pool: &Pool) -> Result<(), OpenError> {
    let mut client = pool.get().await.map_err(SqlError::from)?;
    let tx = client.transaction().await?;
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    tx.batch_execute("CREATE TABLE IF NOT EXISTS schema_version (version int NOT NULL)").await?;
    let found = version(&tx).await?;
    if found < latest() {
        for step in &STEPS[usize::try_from(found).unwrap_or_default()..] {
            tx.batch_execute(step).await?;
        }
        execute(&tx, "DELETE FROM schema_version", &[]).await?;
        execute(&tx, "INSERT INTO schema_version (version) VALUES ($1)", &[&latest()]).await?;
    }
    Ok(tx.commit().await?)
}

/// Checks that the database can be read without being brought up to date.
pub(in crate::postgres) async fn expect_current(pool: &Pool) -> Result<(), OpenError> {
    let client = pool.get().await.map_err(SqlError::from)?;
    let is_there: bool = client.query_one("SELECT to_regclass('schema_version') IS NOT NULL", &[]).await?.get(0);
    if is_there && version(&client).await? >= latest() { Ok(()) } else { Err(OpenError::Missing) }
}

fn latest() -> i32 {
    i32::try_from(STEPS.len()).unwrap_or(i32::MAX)
}

async fn version(client: &impl deadpool_postgres::GenericClient) -> Result<i32, OpenError> {
    let row = query_one(client, "SELECT coalesce(max(version), 0) FROM schema_version", &[]).await?;
    let found = row.get(0);
    if found > latest() { Err(OpenError::TooNew { found, known: latest() }) } else { Ok(found) }
}
