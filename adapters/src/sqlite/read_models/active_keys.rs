//! The keys that claim a device.

use async_trait::async_trait;
use deed_domain::{
    claim_key::PepperId,
    device::{KeyOrigin, KeySlot},
    ids::DeviceId,
    ports::StoreError,
    time::Timestamp,
};
use deed_projections::{ActiveKeyRow, ActiveKeys, ActiveKeysChange, ActiveKeysQuery, DueDevice};
use rusqlite::{Connection, Row, params};

use super::Table;
use crate::sqlite::{
    SqliteStore,
    error::SqlError,
    values::{Column, IdText},
};

impl Table for ActiveKeys {
    const DDL: &'static str = "
        CREATE TABLE {schema}.active_keys (
            key_id     TEXT    NOT NULL,
            device_id  TEXT    NOT NULL,
            tenant_id  TEXT    NOT NULL,
            origin     TEXT    NOT NULL,
            slot       TEXT    NOT NULL,
            pepper     TEXT    NOT NULL,
            empty      INTEGER NOT NULL,
            issued_at  INTEGER NOT NULL,
            not_before INTEGER,
            expires_at INTEGER NOT NULL,
            PRIMARY KEY (device_id, key_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX {schema}.active_keys_by_expiry ON active_keys (expires_at, device_id, tenant_id);";

    fn apply(tx: &Connection, change: &ActiveKeysChange) -> Result<(), SqlError> {
        match change {
            ActiveKeysChange::Insert(row) => tx
                .prepare_cached(
                    "INSERT INTO active_keys (key_id, device_id, tenant_id, origin, slot, pepper, empty, issued_at,
                     not_before, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                )?
                .execute(params![
                    IdText::new(row.key_id.0),
                    IdText::new(row.device_id.0),
                    IdText::new(row.tenant_id.0),
                    row.origin.as_str(),
                    row.slot.as_str(),
                    row.pepper.0,
                    row.empty,
                    row.issued_at.0,
                    row.not_before.map(|time| time.0),
                    row.expires_at.0,
                ])?,
            ActiveKeysChange::Delete { device_id, key_id } => tx
                .prepare_cached("DELETE FROM active_keys WHERE device_id = ?1 AND key_id = ?2")?
                .execute([IdText::new(device_id.0), IdText::new(key_id.0)])?,
        };
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<ActiveKeyRow, SqlError> {
    let column = |name, index| Column::new("active_keys", name, index);
    Ok(ActiveKeyRow {
        key_id: column("key_id", 0).id(row)?,
        device_id: column("device_id", 1).id(row)?,
        tenant_id: column("tenant_id", 2).id(row)?,
        origin: column("origin", 3).word(row, KeyOrigin::parse)?,
        slot: column("slot", 4).word(row, KeySlot::parse)?,
        pepper: PepperId(row.get(5)?),
        empty: row.get(6)?,
        issued_at: Timestamp(row.get(7)?),
        not_before: row.get::<_, Option<i64>>(8)?.map(Timestamp),
        expires_at: Timestamp(row.get(9)?),
    })
}

#[async_trait]
impl ActiveKeysQuery for SqliteStore {
    async fn active_keys(&self, device_id: DeviceId) -> Result<Vec<ActiveKeyRow>, StoreError> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT key_id, device_id, tenant_id, origin, slot, pepper, empty, issued_at, not_before, expires_at
                     FROM active_keys WHERE device_id = ?1 ORDER BY issued_at, key_id",
                )?
                .query_and_then([IdText::new(device_id.0)], read)?
                .collect()
        })
        .await
    }

    async fn next_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        self.lookup(|connection| {
            let next: Option<i64> = connection
                .prepare_cached("SELECT min(expires_at) FROM active_keys")?
                .query_row([], |row| row.get(0))?;
            Ok(next.map(Timestamp))
        })
        .await
    }

    async fn take_due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueDevice>, StoreError> {
        self.read(move |connection| {
            let column = |name, index| Column::new("active_keys", name, index);
            let mut due: Vec<DueDevice> = Vec::new();
            let mut statement = connection.prepare_cached(
                "SELECT device_id, tenant_id FROM active_keys WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2",
            )?;
            let mut rows = statement.query(params![now.0, i64::try_from(limit).unwrap_or(i64::MAX)])?;
            while let Some(row) = rows.next()? {
                let device_id = column("device_id", 0).id(row)?;
                if !due.iter().any(|known| known.device_id == device_id) {
                    due.push(DueDevice { tenant_id: column("tenant_id", 1).id(row)?, device_id });
                }
            }
            Ok(due)
        })
        .await
    }

    async fn peppers(&self) -> Result<Vec<PepperId>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare("SELECT DISTINCT pepper FROM active_keys ORDER BY pepper")?;
            let found = statement.query_map([], |row| Ok(PepperId(row.get(0)?)))?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn active_key_count(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT count(*) FROM active_keys")?
                .query_row([], |row| Ok(Column::new("active_keys", "count", 0).unsigned(row)))?
        })
        .await
    }
}
