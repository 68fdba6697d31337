//! What is derived from the device list so that lists of many devices are quick: how many devices of each type a tenant
//! has, and the index of their texts. It stands in tables of its own and follows each change, in the same transaction.

use deed_domain::ids::{DeviceId, TenantId};
use deed_projections::DeviceListChange;
use rusqlite::{Connection, OptionalExtension, params};

use super::device_search;
use crate::sqlite::{
    error::SqlError,
    values::{Column, IdText, signed},
};

const DDL: &str = "
    DROP TABLE IF EXISTS device_counts;
    DROP TABLE IF EXISTS device_search;
    CREATE TABLE device_counts (
        tenant_id   TEXT    NOT NULL,
        device_type TEXT    NOT NULL,
        count       INTEGER NOT NULL,   -- never 0: then there is no row
        PRIMARY KEY (tenant_id, device_type)
    ) STRICT, WITHOUT ROWID;";

/// Makes the tables and fills them from the device list.
pub(super) fn make(tx: &Connection) -> Result<(), SqlError> {
    tx.execute_batch(DDL)?;
    tx.execute_batch(device_search::DDL)?;
    tx.execute_batch(
        "INSERT INTO device_counts SELECT tenant_id, device_type, count(*) FROM device_list GROUP BY 1, 2",
    )?;
    let mut statement = tx.prepare("SELECT position, tenant_id, name, label FROM device_list ORDER BY position")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let tenant_id = Column::new("device_list", "tenant_id", 1).id(row)?;
        let name: String = row.get(2)?;
        let label: Option<String> = row.get(3)?;
        device_search::add(tx, row.get(0)?, tenant_id, &name, label.as_deref())?;
    }
    Ok(())
}

/// What of a device stands in the tables.
struct Indexed {
    position: i64,
    tenant_id: TenantId,
    name: String,
    label: Option<String>,
    device_type: String,
}

/// Follows a change that is about to be made.
pub(super) fn follow(tx: &Connection, change: &DeviceListChange) -> Result<(), SqlError> {
    match change {
        DeviceListChange::Insert(row) => {
            count(tx, row.tenant_id, &row.device_type, 1)?;
            device_search::add(tx, signed(row.position.0), row.tenant_id, &row.name, row.label.as_deref())
        }
        DeviceListChange::Save { device_id, name, device_type, label, .. } => {
            let Some(old) = indexed(tx, *device_id)? else { return Ok(()) };
            if old.device_type != *device_type {
                count(tx, old.tenant_id, &old.device_type, -1)?;
                count(tx, old.tenant_id, device_type, 1)?;
            }
            if (&old.name, &old.label) != (name, label) {
                device_search::remove(tx, old.position)?;
                device_search::add(tx, old.position, old.tenant_id, name, label.as_deref())?;
            }
            Ok(())
        }
        DeviceListChange::Delete(device_id) => {
            let Some(old) = indexed(tx, *device_id)? else { return Ok(()) };
            count(tx, old.tenant_id, &old.device_type, -1)?;
            device_search::remove(tx, old.position)
        }
        DeviceListChange::SetOwner { .. } => Ok(()),
    }
}

fn indexed(tx: &Connection, device_id: DeviceId) -> Result<Option<Indexed>, SqlError> {
    tx.prepare_cached("SELECT position, tenant_id, name, label, device_type FROM device_list WHERE device_id = ?1")?
        .query_row([IdText::new(device_id.0)], |row| {
            let (position, name, label, device_type) = (row.get(0)?, row.get(2)?, row.get(3)?, row.get(4)?);
            let tenant_id = Column::new("device_list", "tenant_id", 1).id(row);
            Ok(tenant_id.map(|tenant_id| Indexed { position, tenant_id, name, label, device_type }))
        })
        .optional()?
        .transpose()
}

fn count(tx: &Connection, tenant_id: TenantId, device_type: &str, by: i64) -> Result<(), SqlError> {
    let tenant_id = IdText::new(tenant_id.0);
    tx.prepare_cached(
        "INSERT INTO device_counts (tenant_id, device_type, count) VALUES (?1, ?2, ?3)
         ON CONFLICT (tenant_id, device_type) DO UPDATE SET count = count + excluded.count",
    )?
    .execute(params![tenant_id, device_type, by])?;
    if by < 0 {
        tx.prepare_cached("DELETE FROM device_counts WHERE tenant_id = ?1 AND device_type = ?2 AND count = 0")?
            .execute(params![tenant_id, device_type])?;
    }
    Ok(())
}

/// The names of the profiles that the tenant's devices have, in their order.
pub(super) fn types(connection: &Connection, tenant_id: TenantId) -> Result<Vec<String>, SqlError> {
    let mut statement =
        connection.prepare_cached("SELECT device_type FROM device_counts WHERE tenant_id = ?1 ORDER BY device_type")?;
    let types = statement.query_map([IdText::new(tenant_id.0)], |row| row.get(0))?;
    Ok(types.collect::<Result<_, _>>()?)
}

/// Whether the tenant has devices of that type.
pub(in crate::sqlite) fn has_type(
    connection: &Connection,
    tenant_id: TenantId,
    device_type: &str,
) -> Result<bool, SqlError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM device_counts WHERE tenant_id = ?1 AND device_type = ?2")?
        .exists(params![IdText::new(tenant_id.0), device_type])?)
}

/// How many devices the tenant has, or how many of that type.
pub(super) fn count_of(
    connection: &Connection,
    tenant_id: TenantId,
    device_type: Option<&str>,
) -> Result<u64, SqlError> {
    connection
        .prepare_cached(
            "SELECT ifnull(sum(count), 0) FROM device_counts
             WHERE tenant_id = ?1 AND (?2 IS NULL OR device_type = ?2)",
        )?
        .query_row(params![IdText::new(tenant_id.0), device_type], |row| Ok(read_count(row)))?
}

/// How many devices there are, over all tenants.
pub(super) fn count_all(connection: &Connection) -> Result<u64, SqlError> {
    connection
        .prepare_cached("SELECT ifnull(sum(count), 0) FROM device_counts")?
        .query_row([], |row| Ok(read_count(row)))?
}

/// How many counts are wrong, and how many devices lack in the index of texts or are too many in it.
pub(super) fn faults(connection: &Connection) -> Result<u64, SqlError> {
    connection.query_row(
        "WITH counted AS (SELECT tenant_id, device_type, count(*) FROM main.device_list GROUP BY 1, 2)
         SELECT (SELECT count(*) FROM (SELECT * FROM counted EXCEPT SELECT * FROM main.device_counts))
              + (SELECT count(*) FROM (SELECT * FROM main.device_counts EXCEPT SELECT * FROM counted))
              + (SELECT count(*) FROM (SELECT position FROM main.device_list
                                       EXCEPT SELECT id FROM main.device_search_docsize))
              + (SELECT count(*) FROM (SELECT id FROM main.device_search_docsize
                                       EXCEPT SELECT position FROM main.device_list))",
        [],
        |row| Ok(read_count(row)),
    )?
}

fn read_count(row: &rusqlite::Row<'_>) -> Result<u64, SqlError> {
    Column::new("device_counts", "count", 0).unsigned(row)
}
