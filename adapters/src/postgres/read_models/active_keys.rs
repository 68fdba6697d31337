//! The keys that claim a device.

use async_trait::async_trait;
use deadpool_postgres::{GenericClient, Transaction};
use deed_domain::{
    claim_key::PepperId,
    device::{KeyOrigin, KeySlot},
    ids::DeviceId,
    ports::StoreError,
    time::Timestamp,
};
use deed_projections::{ActiveKeyRow, ActiveKeys, ActiveKeysChange, ActiveKeysQuery, DueDevice};
use tokio_postgres::Row;
use uuid::Uuid;

use super::Table;
use crate::postgres::{
    PostgresStore,
    error::SqlError,
    plan::Change,
    values::{Column, execute, query, query_one},
};

/// For how long a device whose keys ran out is left to the node that has taken it, milliseconds.
const TAKEN_FOR: i64 = 10_000;
/// Old rows that are forgotten at once.
const FORGOTTEN_AT_ONCE: i64 = 10_000;

/// Forgets who took which devices, where that does not count any more.
pub(in crate::postgres) async fn forget_taken(client: &impl GenericClient, now: Timestamp) -> Result<(), SqlError> {
    execute(
        client,
        "DELETE FROM due_devices WHERE device_id IN
         (SELECT device_id FROM due_devices WHERE until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        &[&now.0, &FORGOTTEN_AT_ONCE],
    )
    .await
    .map(drop)
}

impl Change for ActiveKeysChange {
    fn kind(&self) -> u8 {
        match self {
            Self::Insert(_) => 0,
            Self::Delete { .. } => 1,
        }
    }

    fn subject(&self) -> Option<Uuid> {
        let (Self::Insert(ActiveKeyRow { key_id, .. }) | Self::Delete { key_id, .. }) = self;
        Some(key_id.0)
    }

    fn is_barrier(&self) -> bool {
        false
    }
}

#[async_trait]
impl Table for ActiveKeys {
    const DDL: &'static str = r#"
        CREATE TABLE active_keys (
            key_id     uuid    NOT NULL,
            device_id  uuid    NOT NULL,
            tenant_id  uuid    NOT NULL,
            origin     text    NOT NULL,
            slot       text    NOT NULL,
            pepper     text    COLLATE "C" NOT NULL,
            empty      boolean NOT NULL,
            issued_at  bigint  NOT NULL,
            not_before bigint,
            expires_at bigint  NOT NULL,
            PRIMARY KEY (device_id, key_id)
        );
        CREATE INDEX active_keys_by_expiry ON active_keys (expires_at, device_id, tenant_id);"#;

    async fn apply(tx: &Transaction<'_>, changes: &[ActiveKeysChange]) -> Result<(), SqlError> {
        let (mut inserted, mut deleted) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                ActiveKeysChange::Insert(row) => inserted.push(row),
                ActiveKeysChange::Delete { device_id, key_id } => deleted.push((device_id.0, key_id.0)),
            }
        }
        if !inserted.is_empty() {
            insert(tx, &inserted).await?;
        }
        if !deleted.is_empty() {
            let (devices, keys): (Vec<Uuid>, Vec<Uuid>) = deleted.into_iter().unzip();
            execute(
                tx,
                "DELETE FROM active_keys USING unnest($1::uuid[], $2::uuid[]) AS gone (device_id, key_id)
                 WHERE active_keys.device_id = gone.device_id AND active_keys.key_id = gone.key_id",
                &[&devices, &keys],
            )
            .await?;
        }
        Ok(())
    }
}

async fn insert(tx: &Transaction<'_>, rows: &[&ActiveKeyRow]) -> Result<(), SqlError> {
    let ids = |id: fn(&ActiveKeyRow) -> Uuid| rows.iter().map(|row| id(row)).collect::<Vec<_>>();
    let times = |time: fn(&ActiveKeyRow) -> i64| rows.iter().map(|row| time(row)).collect::<Vec<_>>();
    let texts = |text: fn(&ActiveKeyRow) -> &str| rows.iter().map(|row| text(row)).collect::<Vec<_>>();
    execute(
        tx,
        "INSERT INTO active_keys (key_id, device_id, tenant_id, origin, slot, pepper, empty, issued_at, not_before,
         expires_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::boolean[],
         $8::bigint[], $9::bigint[], $10::bigint[])",
        &[
            &ids(|row| row.key_id.0),
            &ids(|row| row.device_id.0),
            &ids(|row| row.tenant_id.0),
            &texts(|row| row.origin.as_str()),
            &texts(|row| row.slot.as_str()),
            &texts(|row| &row.pepper.0),
            &rows.iter().map(|row| row.empty).collect::<Vec<_>>(),
            &times(|row| row.issued_at.0),
            &rows.iter().map(|row| row.not_before.map(|time| time.0)).collect::<Vec<_>>(),
            &times(|row| row.expires_at.0),
        ],
    )
    .await
    .map(drop)
}

fn read(row: &Row) -> Result<ActiveKeyRow, SqlError> {
    let column = |name, index| Column::new("active_keys", name, index);
    Ok(ActiveKeyRow {
        key_id: column("key_id", 0).id(row)?,
        device_id: column("device_id", 1).id(row)?,
        tenant_id: column("tenant_id", 2).id(row)?,
        origin: column("origin", 3).word(row, KeyOrigin::parse)?,
        slot: column("slot", 4).word(row, KeySlot::parse)?,
        pepper: PepperId(column("pepper", 5).get(row)?),
        empty: column("empty", 6).get(row)?,
        issued_at: Timestamp(column("issued_at", 7).get(row)?),
        not_before: column("not_before", 8).get::<Option<i64>>(row)?.map(Timestamp),
        expires_at: Timestamp(column("expires_at", 9).get(row)?),
    })
}

#[async_trait]
impl ActiveKeysQuery for PostgresStore {
    async fn active_keys(&self, device_id: DeviceId) -> Result<Vec<ActiveKeyRow>, StoreError> {
        let client = self.connection().await?;
        let sql = "SELECT key_id, device_id, tenant_id, origin, slot, pepper, empty, issued_at, not_before, expires_at
             FROM active_keys WHERE device_id = $1 ORDER BY issued_at, key_id";
        let rows = query(&client, sql, &[&device_id.0]).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn next_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        let client = self.connection().await?;
        let row = query_one(&client, "SELECT min(expires_at) FROM active_keys", &[]).await?;
        Ok(Column::new("active_keys", "expires_at", 0).get::<Option<i64>>(&row)?.map(Timestamp))
    }

    async fn take_due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueDevice>, StoreError> {
        let client = self.connection().await?;
        let column = |name, index| Column::new("active_keys", name, index);
        // A node that takes some at this moment is passed by. Devices in order, as two may want the same one for two keys.
        let sql = "WITH due AS (
                 SELECT device_id, tenant_id, expires_at FROM active_keys
                 WHERE expires_at < $1 AND NOT EXISTS (SELECT FROM due_devices AS taken
                     WHERE taken.device_id = active_keys.device_id AND taken.node <> $3 AND taken.until > $1)
                 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED),
             taken AS (
                 INSERT INTO due_devices (device_id, node, until)
                 SELECT DISTINCT device_id, $3::uuid, $4::bigint FROM due ORDER BY device_id
                 ON CONFLICT (device_id) DO UPDATE SET node = excluded.node, until = excluded.until
                 WHERE due_devices.node = excluded.node OR due_devices.until <= $1
                 RETURNING device_id)
             SELECT device_id, tenant_id FROM due JOIN taken USING (device_id) ORDER BY expires_at";
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query(&client, sql, &[&now.0, &most, &self.node(), &now.plus(TAKEN_FOR).0]).await?;
        let mut due: Vec<DueDevice> = Vec::new();
        for row in &rows {
            let device_id = column("device_id", 0).id(row)?;
            if !due.iter().any(|known| known.device_id == device_id) {
                due.push(DueDevice { tenant_id: column("tenant_id", 1).id(row)?, device_id });
            }
        }
        Ok(due)
    }

    async fn peppers(&self) -> Result<Vec<PepperId>, StoreError> {
        let client = self.connection().await?;
        let rows = query(&client, "SELECT DISTINCT pepper FROM active_keys ORDER BY pepper", &[]).await?;
        let column = Column::new("active_keys", "pepper", 0);
        Ok(rows.iter().map(|row| column.get(row).map(PepperId)).collect::<Result<_, _>>()?)
    }

    async fn active_key_count(&self) -> Result<u64, StoreError> {
        let client = self.connection().await?;
        let row = query_one(&client, "SELECT count(*) FROM active_keys", &[]).await?;
        Ok(Column::new("active_keys", "count", 0).unsigned(&row)?)
    }
}
