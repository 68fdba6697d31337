//! What is derived from the device list so that lists of many devices are quick: how many devices of each type a tenant
//! has. It stands in a table of its own and follows each change, in the same transaction.

use std::collections::BTreeMap;

use deadpool_postgres::{GenericClient, Transaction};
use deed_domain::ids::{DeviceId, TenantId};
use deed_projections::DeviceListChange;
use uuid::Uuid;

use crate::postgres::{
    error::SqlError,
    values::{Column, execute, exists, query, query_one},
};

const DDL: &str = r#"
    DROP TABLE IF EXISTS device_counts;
    CREATE TABLE device_counts (
        tenant_id   uuid   NOT NULL,
        device_type text   COLLATE "C" NOT NULL,
        count       bigint NOT NULL,   -- never 0: then there is no row
        PRIMARY KEY (tenant_id, device_type)
    ) WITH (fillfactor = 50);
    INSERT INTO device_counts SELECT tenant_id, device_type, count(*) FROM device_list GROUP BY 1, 2;"#;

/// Makes the table and fills it from the device list.
pub(super) async fn make(tx: &Transaction<'_>) -> Result<(), SqlError> {
    Ok(tx.batch_execute(DDL).await?)
}

/// Follows changes that are about to be made.
pub(super) async fn follow(tx: &Transaction<'_>, changes: &[DeviceListChange]) -> Result<(), SqlError> {
    let mut counts: BTreeMap<(TenantId, String), i64> = BTreeMap::new();
    let mut count = |tenant_id, device_type: &str, by| {
        *counts.entry((tenant_id, device_type.to_owned())).or_default() += by;
    };
    for change in changes {
        match change {
            DeviceListChange::Insert(row) => count(row.tenant_id, &row.device_type, 1),
            DeviceListChange::Save { device_id, device_type, .. } => {
                if let Some((tenant_id, before)) = type_of(tx, *device_id).await? {
                    count(tenant_id, &before, -1);
                    count(tenant_id, device_type, 1);
                }
            }
            DeviceListChange::Delete(device_id) => {
                if let Some((tenant_id, before)) = type_of(tx, *device_id).await? {
                    count(tenant_id, &before, -1);
                }
            }
            DeviceListChange::SetOwner { .. } => {}
        }
    }
    counts.retain(|_, by| *by != 0);
    if counts.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = counts.keys().map(|(tenant_id, _)| tenant_id.0).collect();
    let types: Vec<&str> = counts.keys().map(|(_, device_type)| device_type.as_str()).collect();
    let by: Vec<i64> = counts.values().copied().collect();
    execute(
        tx,
        "INSERT INTO device_counts (tenant_id, device_type, count)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[])
         ON CONFLICT (tenant_id, device_type) DO UPDATE SET count = device_counts.count + excluded.count",
        &[&tenants, &types, &by],
    )
    .await?;
    if by.iter().any(|by| *by < 0) {
        execute(tx, "DELETE FROM device_counts WHERE count = 0 AND tenant_id = ANY($1)", &[&tenants]).await?;
    }
    Ok(())
}

async fn type_of(tx: &Transaction<'_>, device_id: DeviceId) -> Result<Option<(TenantId, String)>, SqlError> {
    let sql = "SELECT tenant_id, device_type FROM device_list WHERE device_id = $1";
    let column = |name, index| Column::new("device_list", name, index);
    let rows = query(tx, sql, &[&device_id.0]).await?;
    rows.first().map(|row| Ok((column("tenant_id", 0).id(row)?, column("device_type", 1).get(row)?))).transpose()
}

/// The names of the profiles that the tenant's devices have, in their order.
pub(super) async fn types(client: &impl GenericClient, tenant_id: TenantId) -> Result<Vec<String>, SqlError> {
    let sql = "SELECT device_type FROM device_counts WHERE tenant_id = $1 ORDER BY device_type";
    let column = Column::new("device_counts", "device_type", 0);
    query(client, sql, &[&tenant_id.0]).await?.iter().map(|row| column.get(row)).collect()
}

/// Whether the tenant has devices of that type.
pub(in crate::postgres) async fn has_type(
    client: &impl GenericClient,
    tenant_id: TenantId,
    device_type: &str,
) -> Result<bool, SqlError> {
    let sql = "SELECT 1 FROM device_counts WHERE tenant_id = $1 AND device_type = $2";
    exists(client, sql, &[&tenant_id.0, &device_type]).await
}

/// How many devices the tenant has, or how many of that type.
pub(super) async fn count_of(
    client: &impl GenericClient,
    tenant_id: TenantId,
    device_type: Option<&str>,
) -> Result<u64, SqlError> {
    let sql = "SELECT coalesce(sum(count), 0)::bigint FROM device_counts
         WHERE tenant_id = $1 AND ($2::text IS NULL OR device_type = $2)";
    read_count(&query_one(client, sql, &[&tenant_id.0, &device_type]).await?)
}

/// How many devices there are, over all tenants.
pub(super) async fn count_all(client: &impl GenericClient) -> Result<u64, SqlError> {
    read_count(&query_one(client, "SELECT coalesce(sum(count), 0)::bigint FROM device_counts", &[]).await?)
}

/// How many counts are wrong.
pub(super) async fn faults(tx: &Transaction<'_>) -> Result<u64, SqlError> {
    let sql = "WITH counted AS (SELECT tenant_id, device_type, count(*) FROM device_list GROUP BY 1, 2)
         SELECT (SELECT count(*) FROM (SELECT * FROM counted EXCEPT SELECT * FROM device_counts) AS missing)
              + (SELECT count(*) FROM (SELECT * FROM device_counts EXCEPT SELECT * FROM counted) AS surplus)";
    read_count(&query_one(tx, sql, &[]).await?)
}

fn read_count(row: &tokio_postgres::Row) -> Result<u64, SqlError> {
    Column::new("device_counts", "count", 0).unsigned(row)
}
