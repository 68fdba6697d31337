//! Who owned which device from when to when.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use deed_domain::{
    ids::{DeviceId, Epoch, Position},
    ports::StoreError,
    time::Timestamp,
};
use deed_projections::{Ownership, OwnershipChange, OwnershipQuery, OwnershipSpan, SpanEnd, SpanStart};
use tokio_postgres::Row;
use uuid::Uuid;

use super::Table;
use crate::postgres::{
    PostgresStore,
    error::SqlError,
    plan::Change,
    values::{Column, execute, query, signed},
};

impl Change for OwnershipChange {
    fn kind(&self) -> u8 {
        match self {
            Self::Open(_) => 0,
            Self::Close { .. } => 1,
        }
    }

    fn subject(&self) -> Option<Uuid> {
        let (Self::Open(OwnershipSpan { device_id, .. }) | Self::Close { device_id, .. }) = self;
        Some(device_id.0)
    }

    fn is_barrier(&self) -> bool {
        false
    }
}

#[async_trait]
impl Table for Ownership {
    const DDL: &'static str = "
        CREATE TABLE ownership (
            device_id     uuid   NOT NULL,
            epoch         bigint NOT NULL,
            tenant_id     uuid   NOT NULL,
            customer_id   uuid   NOT NULL,
            user_id       uuid,               -- who claimed; null if an administrator set the owner
            key_id        uuid,               -- with which key
            from_position bigint NOT NULL,
            from_time     bigint NOT NULL,
            ended_by      text,               -- null while it lasts
            to_position   bigint,
            to_time       bigint,
            PRIMARY KEY (device_id, epoch)
        );";

    async fn apply(tx: &Transaction<'_>, changes: &[OwnershipChange]) -> Result<(), SqlError> {
        let mut opened = Vec::new();
        let (mut devices, mut ends, mut positions, mut times) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for change in changes {
            match change {
                OwnershipChange::Open(span) => opened.push(span),
                OwnershipChange::Close { device_id, end, to_position, to_time } => {
                    devices.push(device_id.0);
                    ends.push(end.as_str());
                    positions.push(signed(to_position.0));
                    times.push(to_time.0);
                }
            }
        }
        if !opened.is_empty() {
            open(tx, &opened).await?;
        }
        if !devices.is_empty() {
            execute(
                tx,
                "UPDATE ownership SET ended_by = closed.ended_by, to_position = closed.position, to_time = closed.time
                 FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[])
                     AS closed (device_id, ended_by, position, time)
                 WHERE ownership.device_id = closed.device_id AND ownership.to_position IS NULL",
                &[&devices, &ends, &positions, &times],
            )
            .await?;
        }
        Ok(())
    }
}

async fn open(tx: &Transaction<'_>, spans: &[&OwnershipSpan]) -> Result<(), SqlError> {
    let ids = |id: fn(&OwnershipSpan) -> Uuid| spans.iter().map(|span| id(span)).collect::<Vec<_>>();
    let numbers = |number: fn(&OwnershipSpan) -> i64| spans.iter().map(|span| number(span)).collect::<Vec<_>>();
    let claims = spans.iter().map(|span| match span.start {
        SpanStart::Claim { user_id, key_id } => (Some(user_id.0), Some(key_id.0)),
        SpanStart::Assignment => (None, None),
    });
    let (users, keys): (Vec<Option<Uuid>>, Vec<Option<Uuid>>) = claims.unzip();
    execute(
        tx,
        "INSERT INTO ownership (device_id, epoch, tenant_id, customer_id, user_id, key_id, from_position, from_time)
         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::bigint[],
         $8::bigint[])",
        &[
            &ids(|span| span.device_id.0),
            &numbers(|span| i64::from(span.epoch.0)),
            &ids(|span| span.tenant_id.0),
            &ids(|span| span.customer_id.0),
            &users,
            &keys,
            &numbers(|span| signed(span.from_position.0)),
            &numbers(|span| span.from_time.0),
        ],
    )
    .await
    .map(drop)
}

fn read(row: &Row) -> Result<OwnershipSpan, SqlError> {
    let column = |name, index| Column::new("ownership", name, index);
    let key_id = column("key_id", 5).optional_id(row)?;
    let start = match (column("user_id", 4).optional_id(row)?, key_id) {
        (Some(user_id), Some(key_id)) => SpanStart::Claim { user_id, key_id },
        (None, None) => SpanStart::Assignment,
        (Some(_), None) | (None, Some(_)) => return Err(column("key_id", 5).damaged(row, "half a claim")),
    };
    let to_position: Option<i64> = column("to_position", 9).get(row)?;
    Ok(OwnershipSpan {
        device_id: column("device_id", 0).id(row)?,
        epoch: Epoch(column("epoch", 1).unsigned(row)?),
        tenant_id: column("tenant_id", 2).id(row)?,
        customer_id: column("customer_id", 3).id(row)?,
        start,
        from_position: Position(column("from_position", 6).unsigned(row)?),
        from_time: Timestamp(column("from_time", 7).get(row)?),
        end: column("ended_by", 8).optional_word(row, SpanEnd::parse)?,
        to_position: to_position.map(|_| column("to_position", 9).unsigned(row).map(Position)).transpose()?,
        to_time: column("to_time", 10).get::<Option<i64>>(row)?.map(Timestamp),
    })
}

#[async_trait]
impl OwnershipQuery for PostgresStore {
    async fn ownerships(&self, device_id: DeviceId) -> Result<Vec<OwnershipSpan>, StoreError> {
        let client = self.connection().await?;
        let sql =
            "SELECT device_id, epoch, tenant_id, customer_id, user_id, key_id, from_position, from_time, ended_by,
             to_position, to_time FROM ownership WHERE device_id = $1 ORDER BY epoch";
        let rows = query(&client, sql, &[&device_id.0]).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}
