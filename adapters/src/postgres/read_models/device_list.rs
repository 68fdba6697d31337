//! The devices that exist.

use async_trait::async_trait;
use deadpool_postgres::{GenericClient, Transaction};
use deed_domain::{
    ids::{DeviceId, Position, TenantId},
    ports::{ListPage, PageRequest, StoreError, fold_case},
    time::Timestamp,
};
use deed_projections::{DeviceFilter, DeviceList, DeviceListChange, DeviceListQuery, DeviceOrder, DeviceRow};
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Table, device_index, device_pages};
use crate::postgres::{
    PostgresStore,
    error::SqlError,
    plan::Change,
    values::{Column, execute, query, query_opt, signed},
};

impl Change for DeviceListChange {
    fn kind(&self) -> u8 {
        match self {
            Self::Insert(_) => 0,
            Self::SetOwner { .. } => 1,
            Self::Save { .. } => 2,
            Self::Delete(_) => 3,
        }
    }

    fn subject(&self) -> Option<Uuid> {
        let (Self::Insert(DeviceRow { device_id, .. })
        | Self::SetOwner { device_id, .. }
        | Self::Save { device_id, .. }
        | Self::Delete(device_id)) = self;
        Some(device_id.0)
    }

    /// Those by which a name becomes free, so that nobody gets it before.
    fn is_barrier(&self) -> bool {
        matches!(self, Self::Save { .. } | Self::Delete(_))
    }
}

#[async_trait]
impl Table for DeviceList {
    const DDL: &'static str = r#"
        CREATE TABLE device_list (
            position     bigint NOT NULL PRIMARY KEY,   -- of the registration: the order of creation
            device_id    uuid   NOT NULL,
            tenant_id    uuid   NOT NULL,
            customer_id  uuid,
            name         text   COLLATE "C" NOT NULL,
            device_type  text   COLLATE "C" NOT NULL,
            label        text   COLLATE "C",
            profile_id   uuid   NOT NULL,
            created_at   bigint NOT NULL,
            version      bigint NOT NULL,
            name_folded  text   COLLATE "C" NOT NULL,   -- what a search looks at
            label_folded text   COLLATE "C"
        );
        CREATE UNIQUE INDEX device_list_by_id ON device_list (device_id);
        CREATE UNIQUE INDEX device_list_by_name ON device_list (tenant_id, name);
        CREATE INDEX device_list_by_creation ON device_list (tenant_id, position);
        CREATE INDEX device_list_by_type ON device_list (tenant_id, device_type, position);
        CREATE INDEX device_list_by_label ON device_list (tenant_id, label, position);
        CREATE INDEX device_list_by_customer ON device_list (tenant_id, customer_id, position)
            WHERE customer_id IS NOT NULL;"#;

    async fn apply(tx: &Transaction<'_>, changes: &[DeviceListChange]) -> Result<(), SqlError> {
        let (mut inserted, mut owned) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                DeviceListChange::Insert(row) => inserted.push(row),
                DeviceListChange::SetOwner { device_id, customer_id, version } => {
                    owned.push((device_id.0, (customer_id.map(|id| id.0), i64::from(*version))));
                }
                DeviceListChange::Save { device_id, name, device_type, label, profile_id, version } => {
                    execute(
                        tx,
                        "UPDATE device_list SET name = $2, device_type = $3, label = $4, profile_id = $5, version = $6,
                         name_folded = $7, label_folded = $8 WHERE device_id = $1",
                        &[
                            &device_id.0,
                            name,
                            device_type,
                            label,
                            &profile_id.0,
                            &i64::from(*version),
                            &fold_case(name),
                            &label.as_deref().map(fold_case),
                        ],
                    )
                    .await?;
                }
                DeviceListChange::Delete(device_id) => {
                    execute(tx, "DELETE FROM device_list WHERE device_id = $1", &[&device_id.0]).await?;
                }
            }
        }
        if !inserted.is_empty() {
            insert(tx, &inserted).await?;
        }
        if !owned.is_empty() {
            let (devices, values): (Vec<Uuid>, Vec<_>) = owned.into_iter().unzip();
            let (customers, versions): (Vec<Option<Uuid>>, Vec<i64>) = values.into_iter().unzip();
            execute(
                tx,
                "UPDATE device_list SET customer_id = changed.customer_id, version = changed.version
                 FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS changed (device_id, customer_id, version)
                 WHERE device_list.device_id = changed.device_id",
                &[&devices, &customers, &versions],
            )
            .await?;
        }
        Ok(())
    }

    async fn index(tx: &Transaction<'_>, changes: &[DeviceListChange]) -> Result<(), SqlError> {
        device_index::follow(tx, changes).await
    }

    async fn index_all(tx: &Transaction<'_>) -> Result<(), SqlError> {
        device_index::make(tx).await
    }

    async fn index_faults(tx: &Transaction<'_>) -> Result<u64, SqlError> {
        device_index::faults(tx).await
    }
}

async fn insert(tx: &Transaction<'_>, rows: &[&DeviceRow]) -> Result<(), SqlError> {
    let numbers = |number: fn(&DeviceRow) -> i64| rows.iter().map(|row| number(row)).collect::<Vec<_>>();
    let ids = |id: fn(&DeviceRow) -> Option<Uuid>| rows.iter().map(|row| id(row)).collect::<Vec<_>>();
    let texts = |text: fn(&DeviceRow) -> Option<&str>| rows.iter().map(|row| text(row)).collect::<Vec<_>>();
    let folded =
        |text: fn(&DeviceRow) -> Option<&str>| rows.iter().map(|row| text(row).map(fold_case)).collect::<Vec<_>>();
    execute(
        tx,
        "INSERT INTO device_list (position, device_id, tenant_id, customer_id, name, device_type, label, profile_id,
         created_at, version, name_folded, label_folded)
         SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
         $8::uuid[], $9::bigint[], $10::bigint[], $11::text[], $12::text[])",
        &[
            &numbers(|row| signed(row.position.0)),
            &ids(|row| Some(row.device_id.0)),
            &ids(|row| Some(row.tenant_id.0)),
            &ids(|row| row.customer_id.map(|id| id.0)),
            &texts(|row| Some(&row.name)),
            &texts(|row| Some(&row.device_type)),
            &texts(|row| row.label.as_deref()),
            &ids(|row| Some(row.profile_id.0)),
            &numbers(|row| row.created_at.0),
            &numbers(|row| i64::from(row.version)),
            &folded(|row| Some(&row.name)),
            &folded(|row| row.label.as_deref()),
        ],
    )
    .await
    .map(drop)
}

/// The devices that bear these names in their tenants.
pub(in crate::postgres) async fn find_named(
    client: &impl GenericClient,
    names: &[(TenantId, String)],
) -> Result<HashMap<(TenantId, String), DeviceId>, SqlError> {
    let tenants: Vec<Uuid> = names.iter().map(|(tenant_id, _)| tenant_id.0).collect();
    let texts: Vec<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
    let rows = query(
        client,
        r#"SELECT device_list.device_id, device_list.tenant_id, device_list.name
           FROM unnest($1::uuid[], $2::text[]) AS wanted (tenant_id, name)
           JOIN device_list ON device_list.tenant_id = wanted.tenant_id AND device_list.name = wanted.name COLLATE "C""#,
        &[&tenants, &texts],
    )
    .await?;
    let column = |name, index| Column::new("device_list", name, index);
    let found = |row: &Row| -> Result<_, SqlError> {
        let device_id = column("device_id", 0).id(row)?;
        Ok(((column("tenant_id", 1).id(row)?, column("name", 2).get(row)?), device_id))
    };
    rows.iter().map(found).collect()
}

/// What [`read`] reads, of the device list as `d`.
pub(super) const COLUMNS: &str =
    "d.device_id, d.tenant_id, d.customer_id, d.name, d.device_type, d.label, d.profile_id,
     d.created_at, d.version, d.position";

pub(super) fn read(row: &Row) -> Result<DeviceRow, SqlError> {
    let column = |name, index| Column::new("device_list", name, index);
    Ok(DeviceRow {
        device_id: column("device_id", 0).id(row)?,
        tenant_id: column("tenant_id", 1).id(row)?,
        customer_id: column("customer_id", 2).optional_id(row)?,
        name: column("name", 3).get(row)?,
        device_type: column("device_type", 4).get(row)?,
        label: column("label", 5).get(row)?,
        profile_id: column("profile_id", 6).id(row)?,
        created_at: Timestamp(column("created_at", 7).get(row)?),
        version: column("version", 8).unsigned(row)?,
        position: Position(column("position", 9).unsigned(row)?),
    })
}

#[async_trait]
impl DeviceListQuery for PostgresStore {
    async fn device(&self, device_id: DeviceId) -> Result<Option<DeviceRow>, StoreError> {
        let client = self.connection().await?;
        let sql = format!("SELECT {COLUMNS} FROM device_list d WHERE d.device_id = $1");
        let row = query_opt(&client, &sql, &[&device_id.0]).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn device_names(&self, ids: &[DeviceId]) -> Result<HashMap<DeviceId, String>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let sql = "SELECT device_id, name FROM device_list WHERE device_id = ANY($1::uuid[])";
        let column = |name, index| Column::new("device_list", name, index);
        let found = |row: &Row| Ok((column("device_id", 0).id(row)?, column("name", 1).get(row)?));
        let rows = query(&self.connection().await?, sql, &[&ids]).await?;
        Ok(rows.iter().map(found).collect::<Result<_, SqlError>>()?)
    }

    async fn device_named(&self, tenant_id: TenantId, name: &str) -> Result<Option<DeviceRow>, StoreError> {
        // No text of the database has that character.
        if name.contains('\0') {
            return Ok(None);
        }
        let client = self.connection().await?;
        let sql = format!("SELECT {COLUMNS} FROM device_list d WHERE d.tenant_id = $1 AND d.name = $2");
        let row = query_opt(&client, &sql, &[&tenant_id.0, &name]).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn devices(
        &self,
        filter: &DeviceFilter,
        page: &PageRequest<DeviceOrder>,
    ) -> Result<ListPage<DeviceRow>, StoreError> {
        let mut client = self.connection().await?;
        Ok(device_pages::page(&mut client, filter, page).await?)
    }

    async fn device_types(&self, tenant_id: TenantId) -> Result<Vec<String>, StoreError> {
        let client = self.connection().await?;
        Ok(device_index::types(&client, tenant_id).await?)
    }

    async fn device_count(&self) -> Result<u64, StoreError> {
        let client = self.connection().await?;
        Ok(device_index::count_all(&client).await?)
    }
}
