//! Every step of claiming in a row of its own.

use async_trait::async_trait;
use deed_domain::{
    ids::{DeviceId, Position},
    ports::StoreError,
    time::Timestamp,
};
use deed_projections::{ClaimHistory, ClaimHistoryQuery, ClaimHistoryRow};
use rusqlite::{Connection, Row, params};

use super::Table;
use crate::{
    sqlite::{
        SqliteStore,
        error::SqlError,
        values::{Column, IdText, signed},
    },
    step_words::{reason, step},
};

impl Table for ClaimHistory {
    const DDL: &'static str = "
        CREATE TABLE {schema}.claim_history (
            position    INTEGER NOT NULL,
            device_id   TEXT    NOT NULL,
            tenant_id   TEXT    NOT NULL,
            at          INTEGER NOT NULL,
            step        TEXT    NOT NULL,
            key_id      TEXT,
            customer_id TEXT,
            user_id     TEXT,
            reason      TEXT,
            times       INTEGER NOT NULL,
            PRIMARY KEY (device_id, position)
        ) STRICT, WITHOUT ROWID;";

    fn apply(tx: &Connection, row: &ClaimHistoryRow) -> Result<(), SqlError> {
        tx.prepare_cached(
            "INSERT INTO claim_history (position, device_id, tenant_id, at, step, key_id, customer_id, user_id, reason,
             times) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            signed(row.position.0),
            IdText::new(row.device_id.0),
            IdText::new(row.tenant_id.0),
            row.at.0,
            row.step,
            row.key_id.map(|id| IdText::new(id.0)),
            row.customer_id.map(|id| IdText::new(id.0)),
            row.user_id.map(|id| IdText::new(id.0)),
            row.reason,
            row.times,
        ])?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<ClaimHistoryRow, SqlError> {
    let column = |name, index| Column::new("claim_history", name, index);
    Ok(ClaimHistoryRow {
        position: Position(column("position", 0).unsigned(row)?),
        device_id: column("device_id", 1).id(row)?,
        tenant_id: column("tenant_id", 2).id(row)?,
        at: Timestamp(row.get(3)?),
        step: column("step", 4).word(row, step)?,
        key_id: column("key_id", 5).optional_id(row)?,
        customer_id: column("customer_id", 6).optional_id(row)?,
        user_id: column("user_id", 7).optional_id(row)?,
        reason: column("reason", 8).optional_word(row, reason)?,
        times: column("times", 9).unsigned(row)?,
    })
}

#[async_trait]
impl ClaimHistoryQuery for SqliteStore {
    async fn claim_history(
        &self,
        device_id: DeviceId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<ClaimHistoryRow>, StoreError> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT position, device_id, tenant_id, at, step, key_id, customer_id, user_id, reason, times
                     FROM claim_history WHERE device_id = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
                )?
                .query_and_then(
                    params![IdText::new(device_id.0), signed(after.0), i64::try_from(limit).unwrap_or(i64::MAX)],
                    read,
                )?
                .collect()
        })
        .await
    }
}
