//! Every step of claiming in a row of its own.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use deed_domain::{
    ids::{DeviceId, Position},
    ports::StoreError,
    time::Timestamp,
};
use deed_projections::{ClaimHistory, ClaimHistoryQuery, ClaimHistoryRow};
use tokio_postgres::Row;
use uuid::Uuid;

use super::Table;
use crate::{
    postgres::{
        PostgresStore,
        error::SqlError,
        plan::Change,
        values::{Column, execute, query, signed},
    },
    step_words::{reason, step},
};

impl Change for ClaimHistoryRow {
    fn kind(&self) -> u8 {
        0
    }

    fn subject(&self) -> Option<Uuid> {
        None
    }

    fn is_barrier(&self) -> bool {
        false
    }
}

#[async_trait]
impl Table for ClaimHistory {
    const DDL: &'static str = "
        CREATE TABLE claim_history (
            position    bigint NOT NULL,
            device_id   uuid   NOT NULL,
            tenant_id   uuid   NOT NULL,
            at          bigint NOT NULL,
            step        text   NOT NULL,
            key_id      uuid,
            customer_id uuid,
            user_id     uuid,
            reason      text,
            times       bigint NOT NULL,
            PRIMARY KEY (device_id, position)
        );";

    async fn apply(tx: &Transaction<'_>, rows: &[ClaimHistoryRow]) -> Result<(), SqlError> {
        let numbers = |number: fn(&ClaimHistoryRow) -> i64| rows.iter().map(number).collect::<Vec<_>>();
        let ids = |id: fn(&ClaimHistoryRow) -> Option<Uuid>| rows.iter().map(id).collect::<Vec<_>>();
        execute(
            tx,
            "INSERT INTO claim_history (position, device_id, tenant_id, at, step, key_id, customer_id, user_id, reason,
             times)
             SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::uuid[],
             $7::uuid[], $8::uuid[], $9::text[], $10::bigint[])",
            &[
                &numbers(|row| signed(row.position.0)),
                &ids(|row| Some(row.device_id.0)),
                &ids(|row| Some(row.tenant_id.0)),
                &numbers(|row| row.at.0),
                &rows.iter().map(|row| row.step).collect::<Vec<_>>(),
                &ids(|row| row.key_id.map(|id| id.0)),
                &ids(|row| row.customer_id.map(|id| id.0)),
                &ids(|row| row.user_id.map(|id| id.0)),
                &rows.iter().map(|row| row.reason).collect::<Vec<_>>(),
                &numbers(|row| i64::from(row.times)),
            ],
        )
        .await
        .map(drop)
    }
}

fn read(row: &Row) -> Result<ClaimHistoryRow, SqlError> {
    let column = |name, index| Column::new("claim_history", name, index);
    Ok(ClaimHistoryRow {
        position: Position(column("position", 0).unsigned(row)?),
        device_id: column("device_id", 1).id(row)?,
        tenant_id: column("tenant_id", 2).id(row)?,
        at: Timestamp(column("at", 3).get(row)?),
        step: column("step", 4).word(row, step)?,
        key_id: column("key_id", 5).optional_id(row)?,
        customer_id: column("customer_id", 6).optional_id(row)?,
        user_id: column("user_id", 7).optional_id(row)?,
        reason: column("reason", 8).optional_word(row, reason)?,
        times: column("times", 9).unsigned(row)?,
    })
}

#[async_trait]
impl ClaimHistoryQuery for PostgresStore {
    async fn claim_history(
        &self,
        device_id: DeviceId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<ClaimHistoryRow>, StoreError> {
        let client = self.connection().await?;
        let sql = "SELECT position, device_id, tenant_id, at, step, key_id, customer_id, user_id, reason, times
             FROM claim_history WHERE device_id = $1 AND position > $2 ORDER BY position LIMIT $3";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query(&client, sql, &[&device_id.0, &signed(after.0), &limit]).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}
