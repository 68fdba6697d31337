//! Tenants.

use async_trait::async_trait;
use deed_domain::{
    ids::TenantId,
    ports::{AccountSort, AccountsError, ListPage, PageRequest, Profile, StoreError, Tenant, TenantValues, Tenants},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    account_lists::{PageOf, read_contact},
    departures, json, profiles,
};
use crate::{
    registry_text::{contact_text, fold_title, json_text},
    sqlite::{
        SqliteStore,
        connection::overwriting,
        error::SqlError,
        values::{Column, IdText},
    },
};

const TENANT: &str =
    "SELECT id, title, created_at, version, region, contact, additional_info FROM tenants WHERE deleting = 0";

fn read_tenant(row: &Row<'_>) -> Result<Tenant, SqlError> {
    let column = |name, index| Column::new("tenants", name, index);
    Ok(Tenant {
        id: column("id", 0).id(row)?,
        title: row.get(1)?,
        created_at: Timestamp(row.get(2)?),
        version: column("version", 3).unsigned(row)?,
        region: row.get(4)?,
        contact: read_contact(column("contact", 5), row)?,
        additional_info: json::read_optional(column("additional_info", 6), row)?,
    })
}

fn by_id(connection: &Connection, id: TenantId) -> Result<Option<Tenant>, SqlError> {
    connection
        .prepare_cached(&format!("{TENANT} AND id = ?1"))?
        .query_row([IdText::new(id.0)], |row| Ok(read_tenant(row)))
        .optional()?
        .transpose()
}

fn add(tx: &Connection, tenant: &Tenant, default_profile: &Profile) -> Result<(), SqlError> {
    tx.prepare_cached(
        "INSERT INTO tenants (id, title, title_folded, created_at, version, region, contact, additional_info)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        IdText::new(tenant.id.0),
        tenant.title,
        fold_title(&tenant.title),
        tenant.created_at.0,
        tenant.version,
        tenant.region,
        contact_text(&tenant.contact),
        json_text(tenant.additional_info.as_ref()),
    ])?;
    profiles::add(tx, default_profile, default_profile.created_at)
}

fn save(
    tx: &Connection,
    id: TenantId,
    expected_version: Option<u32>,
    values: TenantValues,
) -> Result<Result<Tenant, AccountsError>, SqlError> {
    let Some(stored) = by_id(tx, id)? else { return Ok(Err(AccountsError::NotFound)) };
    if expected_version.is_some_and(|expected| expected != stored.version) {
        return Ok(Err(AccountsError::VersionConflict));
    }
    let TenantValues { title, region, contact, additional_info } = values;
    let saved = Tenant { title, region, contact, additional_info, version: stored.version + 1, ..stored };
    tx.prepare_cached(
        "UPDATE tenants SET title = ?2, title_folded = ?3, region = ?4, contact = ?5, additional_info = ?6, version = ?7
         WHERE id = ?1",
    )?
    .execute(params![
        IdText::new(id.0),
        saved.title,
        fold_title(&saved.title),
        saved.region,
        contact_text(&saved.contact),
        json_text(saved.additional_info.as_ref()),
        saved.version,
    ])?;
    Ok(Ok(saved))
}

fn page(connection: &Connection, page: &PageRequest<AccountSort>) -> Result<ListPage<Tenant>, SqlError> {
    let PageOf { order, search, size, offset } = PageOf::new(page);
    let condition = "(?1 IS NULL OR instr(title_folded, ?1) > 0)";
    let total: i64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM tenants WHERE deleting = 0 AND {condition}"))?
        .query_row(params![search], |row| row.get(0))?;
    let rows = connection
        .prepare_cached(&format!("{TENANT} AND {condition} ORDER BY {order} LIMIT ?2 OFFSET ?3"))?
        .query_and_then(params![search, size, offset], read_tenant)?
        .collect::<Result<_, _>>()?;
    Ok(ListPage { rows, total: u64::try_from(total).unwrap_or_default() })
}

#[async_trait]
impl Tenants for SqliteStore {
    async fn add_tenant(&self, tenant: Tenant, default_profile: Profile) -> Result<(), AccountsError> {
        Ok(self.write(move |tx, _| add(tx, &tenant, &default_profile)).await?)
    }

    async fn save_tenant(
        &self,
        id: TenantId,
        expected_version: Option<u32>,
        values: TenantValues,
    ) -> Result<Tenant, AccountsError> {
        self.write(move |tx, _| save(tx, id, expected_version, values)).await?
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        self.lookup(move |connection| by_id(connection, id)).await
    }

    async fn tenants(&self, request: PageRequest<AccountSort>) -> Result<ListPage<Tenant>, StoreError> {
        self.read(move |connection| page(connection, &request)).await
    }

    async fn mark_tenant(&self, id: TenantId) -> Result<bool, StoreError> {
        self.write(move |tx, _| {
            let mut statement = tx.prepare_cached("UPDATE tenants SET deleting = 1 WHERE id = ?1 AND deleting = 0")?;
            Ok(statement.execute([IdText::new(id.0)])? == 1)
        })
        .await
    }

    async fn marked_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        self.lookup(|connection| {
            connection
                .prepare_cached("SELECT id FROM tenants WHERE deleting = 1 ORDER BY created_at, id")?
                .query_and_then([], |row| Column::new("tenants", "id", 0).id(row))?
                .collect()
        })
        .await
    }

    async fn erase_tenant(&self, id: TenantId) -> Result<(), StoreError> {
        self.write(move |tx, _| overwriting(tx, |tx| departures::erase_tenant(tx, id))).await
    }
}
