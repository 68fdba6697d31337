//! The devices that exist.

use std::collections::HashMap;

use async_trait::async_trait;
use deed_domain::{
    ids::{DeviceId, Position, TenantId},
    ports::{ListPage, PageRequest, StoreError},
    time::Timestamp,
};
use deed_projections::{DeviceFilter, DeviceList, DeviceListChange, DeviceListQuery, DeviceOrder, DeviceRow};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Table, device_index, device_pages};
use crate::sqlite::{
    SqliteStore,
    error::SqlError,
    values::{Column, IdText, signed},
};

impl Table for DeviceList {
    // The columns that a claim changes, customer_id and version, are in no index but the last.
    const DDL: &'static str = "
        CREATE TABLE {schema}.device_list (
            position    INTEGER PRIMARY KEY,   -- of the registration: the order of creation
            device_id   TEXT    NOT NULL,
            tenant_id   TEXT    NOT NULL,
            customer_id TEXT,
            name        TEXT    NOT NULL,
            device_type TEXT    NOT NULL,
            label       TEXT,
            profile_id  TEXT    NOT NULL,
            created_at  INTEGER NOT NULL,
            version     INTEGER NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX {schema}.device_list_by_id ON device_list (device_id);
        CREATE UNIQUE INDEX {schema}.device_list_by_name ON device_list (tenant_id, name);
        CREATE INDEX {schema}.device_list_by_creation ON device_list (tenant_id);
        CREATE INDEX {schema}.device_list_by_type ON device_list (tenant_id, device_type);
        CREATE INDEX {schema}.device_list_by_label ON device_list (tenant_id, label);
        CREATE INDEX {schema}.device_list_by_customer ON device_list (tenant_id, customer_id)
            WHERE customer_id IS NOT NULL;";

    fn apply(tx: &Connection, change: &DeviceListChange) -> Result<(), SqlError> {
        match change {
            DeviceListChange::Insert(row) => tx
                .prepare_cached(
                    "INSERT INTO device_list (position, device_id, tenant_id, customer_id, name, device_type, label,
                     profile_id, created_at, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                )?
                .execute(params![
                    signed(row.position.0),
                    IdText::new(row.device_id.0),
                    IdText::new(row.tenant_id.0),
                    row.customer_id.map(|id| IdText::new(id.0)),
                    row.name,
                    row.device_type,
                    row.label,
                    IdText::new(row.profile_id.0),
                    row.created_at.0,
                    row.version,
                ])?,
            DeviceListChange::Save { device_id, name, device_type, label, profile_id, version } => tx
                .prepare_cached(
                    "UPDATE device_list SET name = ?2, device_type = ?3, label = ?4, profile_id = ?5, version = ?6
                     WHERE device_id = ?1",
                )?
                .execute(params![
                    IdText::new(device_id.0),
                    name,
                    device_type,
                    label,
                    IdText::new(profile_id.0),
                    version
                ])?,
            DeviceListChange::SetOwner { device_id, customer_id, version } => tx
                .prepare_cached("UPDATE device_list SET customer_id = ?2, version = ?3 WHERE device_id = ?1")?
                .execute(params![IdText::new(device_id.0), customer_id.map(|id| IdText::new(id.0)), version])?,
            DeviceListChange::Delete(device_id) => tx
                .prepare_cached("DELETE FROM device_list WHERE device_id = ?1")?
                .execute([IdText::new(device_id.0)])?,
        };
        Ok(())
    }

    fn index(tx: &Connection, change: &DeviceListChange) -> Result<(), SqlError> {
        device_index::follow(tx, change)
    }

    fn index_all(tx: &Connection) -> Result<(), SqlError> {
        device_index::make(tx)
    }

    fn index_faults(connection: &Connection) -> Result<u64, SqlError> {
        device_index::faults(connection)
    }
}

/// The device that bears the name in the tenant.
pub(in crate::sqlite) fn find_named(
    connection: &Connection,
    tenant_id: TenantId,
    name: &str,
) -> Result<Option<DeviceId>, SqlError> {
    let mut statement =
        connection.prepare_cached("SELECT device_id FROM device_list WHERE tenant_id = ?1 AND name = ?2")?;
    let mut rows = statement.query(params![IdText::new(tenant_id.0), name])?;
    rows.next()?.map(|row| Column::new("device_list", "device_id", 0).id(row)).transpose()
}

const COLUMNS: &str =
    "device_id, tenant_id, customer_id, name, device_type, label, profile_id, created_at, version, position";

fn read(row: &Row<'_>) -> Result<DeviceRow, SqlError> {
    let column = |name, index| Column::new("device_list", name, index);
    Ok(DeviceRow {
        device_id: column("device_id", 0).id(row)?,
        tenant_id: column("tenant_id", 1).id(row)?,
        customer_id: column("customer_id", 2).optional_id(row)?,
        name: row.get(3)?,
        device_type: row.get(4)?,
        label: row.get(5)?,
        profile_id: column("profile_id", 6).id(row)?,
        created_at: Timestamp(row.get(7)?),
        version: column("version", 8).unsigned(row)?,
        position: Position(column("position", 9).unsigned(row)?),
    })
}

/// The devices at these positions, in that order.
pub(super) fn at_positions(connection: &Connection, positions: &[i64]) -> Result<Vec<DeviceRow>, SqlError> {
    let mut statement = connection.prepare_cached(&select("position = ?1"))?;
    let row = |position: &i64| statement.query_row([position], |row| Ok(read(row)))?;
    positions.iter().map(row).collect()
}

#[async_trait]
impl DeviceListQuery for SqliteStore {
    async fn device(&self, device_id: DeviceId) -> Result<Option<DeviceRow>, StoreError> {
        self.lookup(move |connection| {
            let sql = select("device_id = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_row([IdText::new(device_id.0)], |row| Ok(read(row))).optional()?.transpose()
        })
        .await
    }

    async fn device_names(&self, ids: &[DeviceId]) -> Result<HashMap<DeviceId, String>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT name FROM device_list WHERE device_id = ?1")?;
            let mut names = HashMap::new();
            for id in ids {
                let name = statement.query_row([IdText::new(id.0)], |row| row.get(0)).optional()?;
                names.extend(name.map(|name| (id, name)));
            }
            Ok(names)
        })
        .await
    }

    async fn device_named(&self, tenant_id: TenantId, name: &str) -> Result<Option<DeviceRow>, StoreError> {
        let name = name.to_owned();
        self.lookup(move |connection| {
            let sql = select("tenant_id = ?1 AND name = ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let params = params![IdText::new(tenant_id.0), name];
            statement.query_row(params, |row| Ok(read(row))).optional()?.transpose()
        })
        .await
    }

    async fn devices(
        &self,
        filter: &DeviceFilter,
        page: &PageRequest<DeviceOrder>,
    ) -> Result<ListPage<DeviceRow>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.read(move |connection| device_pages::page(connection, &filter, &page)).await
    }

    async fn device_types(&self, tenant_id: TenantId) -> Result<Vec<String>, StoreError> {
        self.lookup(move |connection| device_index::types(connection, tenant_id)).await
    }

    async fn device_count(&self) -> Result<u64, StoreError> {
        self.lookup(device_index::count_all).await
    }
}

fn select(condition: &str) -> String {
    format!("SELECT {COLUMNS} FROM device_list WHERE {condition}")
}
