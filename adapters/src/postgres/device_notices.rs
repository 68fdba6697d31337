//! What was written about devices beside the log, told to the other nodes.

use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::DeviceId,
    ports::Written,
    time::{DAY, Timestamp},
};
use uuid::Uuid;

use super::{
    error::SqlError,
    values::{Column, execute, query, query_one},
};

/// Old notices that are forgotten at once.
const FORGOTTEN_AT_ONCE: i64 = 10_000;

/// Leaves word; the end of the log must be held.
pub(in crate::postgres) async fn leave(
    tx: &impl GenericClient,
    node: Uuid,
    written: &[(DeviceId, Written)],
    now: Timestamp,
) -> Result<(), SqlError> {
    if written.is_empty() {
        return Ok(());
    }
    let devices: Vec<Uuid> = written.iter().map(|(id, _)| id.0).collect();
    let credentials: Vec<bool> = written.iter().map(|(_, what)| what.credentials).collect();
    let others: Vec<bool> = written.iter().map(|(_, what)| what.other).collect();
    execute(
        tx,
        "INSERT INTO device_notices (node, device_id, credentials, other, noticed_at)
         SELECT $1, device_id, credentials, other, $2
         FROM unnest($3::uuid[], $4::boolean[], $5::boolean[]) AS new (device_id, credentials, other)",
        &[&node, &now.0, &devices, &credentials, &others],
    )
    .await
    .map(drop)
}

/// The last one.
pub(in crate::postgres) async fn last(client: &impl GenericClient) -> Result<i64, SqlError> {
    let row = query_one(client, "SELECT coalesce(max(id), 0) FROM device_notices", &[]).await?;
    Column::new("device_notices", "id", 0).get(&row)
}

/// What other nodes have left after one and up to another.
pub(in crate::postgres) async fn of_others(
    client: &impl GenericClient,
    node: Uuid,
    after: i64,
    up_to: i64,
) -> Result<Vec<(DeviceId, Written)>, SqlError> {
    let sql = "SELECT id, device_id, credentials, other FROM device_notices WHERE id > $1 AND id <= $2 AND node <> $3";
    let column = |name, index| Column::new("device_notices", name, index);
    let read = |row: &tokio_postgres::Row| {
        let what = Written { credentials: column("credentials", 2).get(row)?, other: column("other", 3).get(row)? };
        Ok((column("device_id", 1).id(row)?, what))
    };
    query(client, sql, &[&after, &up_to, &node]).await?.iter().map(read).collect()
}

/// Forgets what is older than a day.
pub(in crate::postgres) async fn forget(client: &impl GenericClient, now: Timestamp) -> Result<(), SqlError> {
    execute(
        client,
        "DELETE FROM device_notices WHERE id IN
         (SELECT id FROM device_notices WHERE noticed_at < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)",
        &[&now.plus(-DAY).0, &FORGOTTEN_AT_ONCE],
    )
    .await
    .map(drop)
}
