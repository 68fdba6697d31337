//! Tenants.

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::TenantId,
    ports::{AccountSort, AccountsError, ListPage, PageRequest, Profile, StoreError, Tenant, TenantValues, Tenants},
    time::Timestamp,
};
use tokio_postgres::Row;

use super::{
    account_lists::{PageOf, count, read_contact},
    departures, json, profiles,
};
use crate::{
    postgres::{
        PostgresStore,
        error::SqlError,
        values::{Column, commit, execute, query, query_opt},
    },
    registry_text::{contact_text, fold_title, json_text},
};

const TENANT: &str =
    "SELECT id, title, created_at, version, region, contact, additional_info FROM tenants WHERE deleting = 0";

fn read_tenant(row: &Row) -> Result<Tenant, SqlError> {
    let column = |name, index| Column::new("tenants", name, index);
    Ok(Tenant {
        id: column("id", 0).id(row)?,
        title: column("title", 1).get(row)?,
        created_at: Timestamp(column("created_at", 2).get(row)?),
        version: column("version", 3).unsigned(row)?,
        region: column("region", 4).get(row)?,
        contact: read_contact(column("contact", 5), row)?,
        additional_info: json::read_optional(column("additional_info", 6), row)?,
    })
}

async fn by_id(client: &impl GenericClient, id: TenantId) -> Result<Option<Tenant>, SqlError> {
    let row = query_opt(client, &format!("{TENANT} AND id = $1"), &[&id.0]).await?;
    row.as_ref().map(read_tenant).transpose()
}

async fn add(tx: &impl GenericClient, tenant: &Tenant, default_profile: &Profile) -> Result<(), SqlError> {
    execute(
        tx,
        "INSERT INTO tenants (id, title, title_folded, created_at, version, region, contact, additional_info)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            &tenant.id.0,
            &tenant.title,
            &fold_title(&tenant.title),
            &tenant.created_at.0,
            &i64::from(tenant.version),
            &tenant.region,
            &contact_text(&tenant.contact),
            &json_text(tenant.additional_info.as_ref()),
        ],
    )
    .await?;
    profiles::add(tx, &[default_profile], default_profile.created_at).await
}

async fn save(
    tx: &impl GenericClient,
    id: TenantId,
    expected_version: Option<u32>,
    values: TenantValues,
) -> Result<Result<Tenant, AccountsError>, SqlError> {
    let Some(stored) = by_id(tx, id).await? else { return Ok(Err(AccountsError::NotFound)) };
    if expected_version.is_some_and(|expected| expected != stored.version) {
        return Ok(Err(AccountsError::VersionConflict));
    }
    let TenantValues { title, region, contact, additional_info } = values;
    let saved = Tenant { title, region, contact, additional_info, version: stored.version + 1, ..stored };
    execute(
        tx,
        "UPDATE tenants SET title = $2, title_folded = $3, region = $4, contact = $5, additional_info = $6, version = $7
         WHERE id = $1",
        &[
            &id.0,
            &saved.title,
            &fold_title(&saved.title),
            &saved.region,
            &contact_text(&saved.contact),
            &json_text(saved.additional_info.as_ref()),
            &i64::from(saved.version),
        ],
    )
    .await?;
    Ok(Ok(saved))
}

async fn page(client: &impl GenericClient, page: &PageRequest<AccountSort>) -> Result<ListPage<Tenant>, SqlError> {
    let PageOf { order, search, size, offset } = PageOf::new(page);
    let condition = "($1::text IS NULL OR strpos(title_folded, $1) > 0)";
    let counting = format!("SELECT count(*) FROM tenants WHERE deleting = 0 AND {condition}");
    let total = count(client, "tenants", &counting, &[&search]).await?;
    let sql = format!("{TENANT} AND {condition} ORDER BY {order} LIMIT $2 OFFSET $3");
    let rows = query(client, &sql, &[&search, &size, &offset]).await?;
    Ok(ListPage { rows: rows.iter().map(read_tenant).collect::<Result<_, _>>()?, total })
}

#[async_trait]
impl Tenants for PostgresStore {
    async fn add_tenant(&self, tenant: Tenant, default_profile: Profile) -> Result<(), AccountsError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        add(&tx, &tenant, &default_profile).await?;
        commit(tx).await?;
        Ok(())
    }

    async fn save_tenant(
        &self,
        id: TenantId,
        expected_version: Option<u32>,
        values: TenantValues,
    ) -> Result<Tenant, AccountsError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let saved = save(&tx, id, expected_version, values).await??;
        commit(tx).await?;
        Ok(saved)
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        Ok(by_id(&self.connection().await?, id).await?)
    }

    async fn tenants(&self, request: PageRequest<AccountSort>) -> Result<ListPage<Tenant>, StoreError> {
        Ok(page(&self.connection().await?, &request).await?)
    }

    async fn mark_tenant(&self, id: TenantId) -> Result<bool, StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let sql = "UPDATE tenants SET deleting = 1 WHERE id = $1 AND deleting = 0";
        let is_marked = execute(&tx, sql, &[&id.0]).await? == 1;
        commit(tx).await?;
        Ok(is_marked)
    }

    async fn marked_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let client = self.connection().await?;
        let sql = "SELECT id FROM tenants WHERE deleting = 1 ORDER BY created_at, id";
        let rows = query(&client, sql, &[]).await?;
        let column = Column::new("tenants", "id", 0);
        Ok(rows.iter().map(|row| column.id(row)).collect::<Result<_, _>>()?)
    }

    async fn erase_tenant(&self, id: TenantId) -> Result<(), StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        departures::erase_tenant(&tx, id).await?;
        commit(tx).await?;
        Ok(())
    }
}
