//! Work that one node does at a time. The time is the database's.

use async_trait::async_trait;
use deed_domain::ports::{LEASE, Leases, StoreError};

use super::{
    PostgresStore,
    values::{execute, exists},
};

#[async_trait]
impl Leases for PostgresStore {
    async fn hold(&self, work: &str) -> Result<bool, StoreError> {
        self.expect_writable()?;
        let client = self.connection().await?;
        let now = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        // Most of the time it is another's: that is looked at before anything is written.
        let others = format!("SELECT 1 FROM leases WHERE name = $1 AND node <> $2 AND until >= {now}");
        if exists(&client, &others, &[&work, &self.node()]).await? {
            return Ok(false);
        }
        let length = i64::try_from(LEASE.as_millis()).unwrap_or_default();
        let take = format!(
            "INSERT INTO leases (name, node, until) VALUES ($1, $2, {now} + $3)
             ON CONFLICT (name) DO UPDATE SET node = excluded.node, until = excluded.until
             WHERE leases.node = excluded.node OR leases.until < excluded.until - $3"
        );
        Ok(execute(&client, &take, &[&work, &self.node(), &length]).await? == 1)
    }

    async fn release(&self, work: &str) -> Result<(), StoreError> {
        let client = self.connection().await?;
        execute(&client, "DELETE FROM leases WHERE name = $1 AND node = $2", &[&work, &self.node()]).await?;
        Ok(())
    }
}
