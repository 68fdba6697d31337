//! Who owned which device from when to when.

use async_trait::async_trait;
use deed_domain::{
    ids::{DeviceId, Epoch, Position},
    ports::StoreError,
    time::Timestamp,
};
use deed_projections::{Ownership, OwnershipChange, OwnershipQuery, OwnershipSpan, SpanEnd, SpanStart};
use rusqlite::{Connection, Row, params};

use super::Table;
use crate::sqlite::{
    SqliteStore,
    error::SqlError,
    values::{Column, IdText, signed},
};

impl Table for Ownership {
    const DDL: &'static str = "
        CREATE TABLE {schema}.ownership (
            device_id     TEXT    NOT NULL,
            epoch         INTEGER NOT NULL,
            tenant_id     TEXT    NOT NULL,
            customer_id   TEXT    NOT NULL,
            user_id       TEXT,               -- who claimed; null if an administrator set the owner
            key_id        TEXT,               -- with which key
            from_position INTEGER NOT NULL,
            from_time     INTEGER NOT NULL,
            ended_by      TEXT,               -- null while it lasts
            to_position   INTEGER,
            to_time       INTEGER,
            PRIMARY KEY (device_id, epoch)
        ) STRICT, WITHOUT ROWID;";

    fn apply(tx: &Connection, change: &OwnershipChange) -> Result<(), SqlError> {
        match change {
            OwnershipChange::Open(span) => {
                let (user_id, key_id) = match span.start {
                    SpanStart::Claim { user_id, key_id } => (Some(IdText::new(user_id.0)), Some(IdText::new(key_id.0))),
                    SpanStart::Assignment => (None, None),
                };
                tx.prepare_cached(
                    "INSERT INTO ownership (device_id, epoch, tenant_id, customer_id, user_id, key_id, from_position,
                     from_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    IdText::new(span.device_id.0),
                    span.epoch.0,
                    IdText::new(span.tenant_id.0),
                    IdText::new(span.customer_id.0),
                    user_id,
                    key_id,
                    signed(span.from_position.0),
                    span.from_time.0,
                ])?
            }
            OwnershipChange::Close { device_id, end, to_position, to_time } => tx
                .prepare_cached(
                    "UPDATE ownership SET ended_by = ?2, to_position = ?3, to_time = ?4
                     WHERE device_id = ?1 AND to_position IS NULL",
                )?
                .execute(params![IdText::new(device_id.0), end.as_str(), signed(to_position.0), to_time.0])?,
        };
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<OwnershipSpan, SqlError> {
    let column = |name, index| Column::new("ownership", name, index);
    let key_id = column("key_id", 5).optional_id(row)?;
    let start = match (column("user_id", 4).optional_id(row)?, key_id) {
        (Some(user_id), Some(key_id)) => SpanStart::Claim { user_id, key_id },
        (None, None) => SpanStart::Assignment,
        (Some(_), None) | (None, Some(_)) => return Err(column("key_id", 5).damaged(row, "half a claim")),
    };
    let to_position: Option<i64> = row.get(9)?;
    Ok(OwnershipSpan {
        device_id: column("device_id", 0).id(row)?,
        epoch: Epoch(column("epoch", 1).unsigned(row)?),
        tenant_id: column("tenant_id", 2).id(row)?,
        customer_id: column("customer_id", 3).id(row)?,
        start,
        from_position: Position(column("from_position", 6).unsigned(row)?),
        from_time: Timestamp(row.get(7)?),
        end: column("ended_by", 8).optional_word(row, SpanEnd::parse)?,
        to_position: to_position.map(|_| column("to_position", 9).unsigned(row).map(Position)).transpose()?,
        to_time: row.get::<_, Option<i64>>(10)?.map(Timestamp),
    })
}

#[async_trait]
impl OwnershipQuery for SqliteStore {
    async fn ownerships(&self, device_id: DeviceId) -> Result<Vec<OwnershipSpan>, StoreError> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT device_id, epoch, tenant_id, customer_id, user_id, key_id, from_position, from_time,
                     ended_by, to_position, to_time FROM ownership WHERE device_id = ?1 ORDER BY epoch",
                )?
                .query_and_then([IdText::new(device_id.0)], read)?
                .collect()
        })
        .await
    }
}
