//! Customers.

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::{CustomerId, TenantId},
    ports::{
        AccountSort, AccountsError, Customer, CustomerValues, Customers, ListPage, PUBLIC_CUSTOMER, PageRequest, Party,
        StoreError,
    },
    time::Timestamp,
};
use tokio_postgres::Row;

use super::{
    account_lists::{PageOf, count, read_contact},
    departures, json,
};
use crate::{
    postgres::{
        PostgresStore,
        error::SqlError,
        values::{Column, Values, commit, execute, query, query_opt},
    },
    registry_text::{contact_text, fold_title, json_text},
};

const CUSTOMER: &str =
    "SELECT id, tenant_id, title, created_at, version, contact, additional_info FROM customers WHERE deleting = 0";

fn read_customer(row: &Row) -> Result<Customer, SqlError> {
    let column = |name, index| Column::new("customers", name, index);
    Ok(Customer {
        id: column("id", 0).id(row)?,
        tenant_id: column("tenant_id", 1).id(row)?,
        title: column("title", 2).get(row)?,
        created_at: Timestamp(column("created_at", 3).get(row)?),
        version: column("version", 4).unsigned(row)?,
        contact: read_contact(column("contact", 5), row)?,
        additional_info: json::read_optional(column("additional_info", 6), row)?,
    })
}

async fn find(client: &impl GenericClient, condition: &str, values: Values<'_>) -> Result<Option<Customer>, SqlError> {
    let row = query_opt(client, &format!("{CUSTOMER} AND {condition}"), values).await?;
    row.as_ref().map(read_customer).transpose()
}

async fn by_id(client: &impl GenericClient, id: CustomerId) -> Result<Option<Customer>, SqlError> {
    find(client, "id = $1", &[&id.0]).await
}

async fn by_title(client: &impl GenericClient, tenant_id: TenantId, title: &str) -> Result<Option<Customer>, SqlError> {
    find(client, "tenant_id = $1 AND title = $2", &[&tenant_id.0, &title]).await
}

/// Adds the customer unless its title is taken or its tenant is going.
async fn add(tx: &impl GenericClient, customer: &Customer) -> Result<Result<(), AccountsError>, SqlError> {
    if departures::is_gone(tx, Party::Tenant(customer.tenant_id)).await? {
        return Ok(Err(AccountsError::NotFound));
    }
    let added = execute(
        tx,
        "INSERT INTO customers (id, tenant_id, title, title_folded, created_at, version, contact, additional_info)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant_id, title) WHERE deleting = 0 DO NOTHING",
        &[
            &customer.id.0,
            &customer.tenant_id.0,
            &customer.title,
            &fold_title(&customer.title),
            &customer.created_at.0,
            &i64::from(customer.version),
            &contact_text(&customer.contact),
            &json_text(customer.additional_info.as_ref()),
        ],
    )
    .await?;
    Ok(if added == 1 { Ok(()) } else { Err(AccountsError::TitleTaken) })
}

async fn save(
    tx: &impl GenericClient,
    id: CustomerId,
    expected_version: Option<u32>,
    values: CustomerValues,
) -> Result<Result<Customer, AccountsError>, SqlError> {
    let Some(stored) = by_id(tx, id).await? else { return Ok(Err(AccountsError::NotFound)) };
    if expected_version.is_some_and(|expected| expected != stored.version) {
        return Ok(Err(AccountsError::VersionConflict));
    }
    if by_title(tx, stored.tenant_id, &values.title).await?.is_some_and(|other| other.id != id) {
        return Ok(Err(AccountsError::TitleTaken));
    }
    let CustomerValues { title, contact, additional_info } = values;
    let saved = Customer { title, contact, additional_info, version: stored.version + 1, ..stored };
    execute(
        tx,
        "UPDATE customers SET title = $2, title_folded = $3, contact = $4, additional_info = $5, version = $6
         WHERE id = $1",
        &[
            &id.0,
            &saved.title,
            &fold_title(&saved.title),
            &contact_text(&saved.contact),
            &json_text(saved.additional_info.as_ref()),
            &i64::from(saved.version),
        ],
    )
    .await?;
    Ok(Ok(saved))
}

async fn page(
    client: &impl GenericClient,
    tenant_id: TenantId,
    page: &PageRequest<AccountSort>,
) -> Result<ListPage<Customer>, SqlError> {
    let PageOf { order, search, size, offset } = PageOf::new(page);
    let condition = "tenant_id = $1 AND ($2::text IS NULL OR strpos(title_folded, $2) > 0)";
    let counting = format!("SELECT count(*) FROM customers WHERE deleting = 0 AND {condition}");
    let total = count(client, "customers", &counting, &[&tenant_id.0, &search]).await?;
    let sql = format!("{CUSTOMER} AND {condition} ORDER BY {order} LIMIT $3 OFFSET $4");
    let rows = query(client, &sql, &[&tenant_id.0, &search, &size, &offset]).await?;
    Ok(ListPage { rows: rows.iter().map(read_customer).collect::<Result<_, _>>()?, total })
}

async fn find_or_add_public(
    tx: &impl GenericClient,
    tenant_id: TenantId,
    new_id: CustomerId,
    now: Timestamp,
) -> Result<Customer, SqlError> {
    if let Some(found) = by_title(tx, tenant_id, PUBLIC_CUSTOMER).await? {
        return Ok(found);
    }
    let added = Customer::public(new_id, tenant_id, now);
    // Nobody else holds the title: it was looked up under the log's lock.
    let _ = add(tx, &added).await?;
    Ok(added)
}

#[async_trait]
impl Customers for PostgresStore {
    async fn add_customer(&self, customer: Customer) -> Result<(), AccountsError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        add(&tx, &customer).await??;
        commit(tx).await?;
        Ok(())
    }

    async fn save_customer(
        &self,
        id: CustomerId,
        expected_version: Option<u32>,
        values: CustomerValues,
    ) -> Result<Customer, AccountsError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let saved = save(&tx, id, expected_version, values).await??;
        commit(tx).await?;
        Ok(saved)
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        Ok(by_id(&self.connection().await?, id).await?)
    }

    async fn customer_titled(&self, tenant_id: TenantId, title: &str) -> Result<Option<Customer>, StoreError> {
        Ok(by_title(&self.connection().await?, tenant_id, title).await?)
    }

    async fn customers(
        &self,
        tenant_id: TenantId,
        request: PageRequest<AccountSort>,
    ) -> Result<ListPage<Customer>, StoreError> {
        Ok(page(&self.connection().await?, tenant_id, &request).await?)
    }

    async fn public_customer(&self, tenant_id: TenantId, new_id: CustomerId) -> Result<Customer, StoreError> {
        let mut client = self.connection().await?;
        // Most often it is there, and nobody who appends has to wait.
        if let Some(found) = by_title(&client, tenant_id, PUBLIC_CUSTOMER).await? {
            return Ok(found);
        }
        let (tx, now) = self.begin(&mut client).await?;
        let public = find_or_add_public(&tx, tenant_id, new_id, now).await?;
        commit(tx).await?;
        Ok(public)
    }

    async fn mark_customer(&self, id: CustomerId) -> Result<bool, StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let sql = "UPDATE customers SET deleting = 1 WHERE id = $1 AND deleting = 0";
        let is_marked = execute(&tx, sql, &[&id.0]).await? == 1;
        commit(tx).await?;
        Ok(is_marked)
    }

    async fn marked_customers(&self) -> Result<Vec<(TenantId, CustomerId)>, StoreError> {
        let client = self.connection().await?;
        let sql = "SELECT id, tenant_id FROM customers WHERE deleting = 1 ORDER BY created_at, id";
        let rows = query(&client, sql, &[]).await?;
        Ok(rows.iter().map(read_marked).collect::<Result<_, _>>()?)
    }

    async fn erase_customer(&self, id: CustomerId) -> Result<(), StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        departures::erase_customer(&tx, id).await?;
        commit(tx).await?;
        Ok(())
    }
}

fn read_marked(row: &Row) -> Result<(TenantId, CustomerId), SqlError> {
    let column = |name, index| Column::new("customers", name, index);
    Ok((column("tenant_id", 1).id(row)?, column("id", 0).id(row)?))
}
