//! Customers.

use async_trait::async_trait;
use deed_domain::{
    ids::{CustomerId, TenantId},
    ports::{
        AccountSort, AccountsError, Customer, CustomerValues, Customers, ListPage, PUBLIC_CUSTOMER, PageRequest, Party,
        StoreError,
    },
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::{
    account_lists::{PageOf, read_contact},
    departures, json,
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

const CUSTOMER: &str =
    "SELECT id, tenant_id, title, created_at, version, contact, additional_info FROM customers WHERE deleting = 0";

fn read_customer(row: &Row<'_>) -> Result<Customer, SqlError> {
    let column = |name, index| Column::new("customers", name, index);
    Ok(Customer {
        id: column("id", 0).id(row)?,
        tenant_id: column("tenant_id", 1).id(row)?,
        title: row.get(2)?,
        created_at: Timestamp(row.get(3)?),
        version: column("version", 4).unsigned(row)?,
        contact: read_contact(column("contact", 5), row)?,
        additional_info: json::read_optional(column("additional_info", 6), row)?,
    })
}

fn find(connection: &Connection, condition: &str, params: &[&dyn ToSql]) -> Result<Option<Customer>, SqlError> {
    connection
        .prepare_cached(&format!("{CUSTOMER} AND {condition}"))?
        .query_row(params, |row| Ok(read_customer(row)))
        .optional()?
        .transpose()
}

fn by_id(connection: &Connection, id: CustomerId) -> Result<Option<Customer>, SqlError> {
    find(connection, "id = ?1", &[&IdText::new(id.0)])
}

fn by_title(connection: &Connection, tenant_id: TenantId, title: &str) -> Result<Option<Customer>, SqlError> {
    find(connection, "tenant_id = ?1 AND title = ?2", &[&IdText::new(tenant_id.0), &title])
}

/// Adds the customer unless its title is taken or its tenant is going.
fn add(tx: &Connection, customer: &Customer) -> Result<Result<(), AccountsError>, SqlError> {
    if departures::is_gone(tx, Party::Tenant(customer.tenant_id))? {
        return Ok(Err(AccountsError::NotFound));
    }
    let added = tx
        .prepare_cached(
            "INSERT INTO customers (id, tenant_id, title, title_folded, created_at, version, contact, additional_info)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (tenant_id, title) WHERE deleting = 0 DO NOTHING",
        )?
        .execute(params![
            IdText::new(customer.id.0),
            IdText::new(customer.tenant_id.0),
            customer.title,
            fold_title(&customer.title),
            customer.created_at.0,
            customer.version,
            contact_text(&customer.contact),
            json_text(customer.additional_info.as_ref()),
        ])?;
    Ok(if added == 1 { Ok(()) } else { Err(AccountsError::TitleTaken) })
}

fn save(
    tx: &Connection,
    id: CustomerId,
    expected_version: Option<u32>,
    values: CustomerValues,
) -> Result<Result<Customer, AccountsError>, SqlError> {
    let Some(stored) = by_id(tx, id)? else { return Ok(Err(AccountsError::NotFound)) };
    if expected_version.is_some_and(|expected| expected != stored.version) {
        return Ok(Err(AccountsError::VersionConflict));
    }
    if by_title(tx, stored.tenant_id, &values.title)?.is_some_and(|other| other.id != id) {
        return Ok(Err(AccountsError::TitleTaken));
    }
    let CustomerValues { title, contact, additional_info } = values;
    let saved = Customer { title, contact, additional_info, version: stored.version + 1, ..stored };
    tx.prepare_cached(
        "UPDATE customers SET title = ?2, title_folded = ?3, contact = ?4, additional_info = ?5, version = ?6
         WHERE id = ?1",
    )?
    .execute(params![
        IdText::new(id.0),
        saved.title,
        fold_title(&saved.title),
        contact_text(&saved.contact),
        json_text(saved.additional_info.as_ref()),
        saved.version,
    ])?;
    Ok(Ok(saved))
}

fn page(
    connection: &Connection,
    tenant_id: TenantId,
    page: &PageRequest<AccountSort>,
) -> Result<ListPage<Customer>, SqlError> {
    let PageOf { order, search, size, offset } = PageOf::new(page);
    let condition = "tenant_id = ?1 AND (?2 IS NULL OR instr(title_folded, ?2) > 0)";
    let tenant_id = IdText::new(tenant_id.0);
    let total: i64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM customers WHERE deleting = 0 AND {condition}"))?
        .query_row(params![tenant_id, search], |row| row.get(0))?;
    let rows = connection
        .prepare_cached(&format!("{CUSTOMER} AND {condition} ORDER BY {order} LIMIT ?3 OFFSET ?4"))?
        .query_and_then(params![tenant_id, search, size, offset], read_customer)?
        .collect::<Result<_, _>>()?;
    Ok(ListPage { rows, total: u64::try_from(total).unwrap_or_default() })
}

fn find_or_add_public(
    tx: &Connection,
    tenant_id: TenantId,
    new_id: CustomerId,
    now: Timestamp,
) -> Result<Customer, SqlError> {
    if let Some(found) = by_title(tx, tenant_id, PUBLIC_CUSTOMER)? {
        return Ok(found);
    }
    let added = Customer::public(new_id, tenant_id, now);
    // Nobody else holds the title: it was looked up under the writer's lock.
    let _ = add(tx, &added)?;
    Ok(added)
}

#[async_trait]
impl Customers for SqliteStore {
    async fn add_customer(&self, customer: Customer) -> Result<(), AccountsError> {
        self.write(move |tx, _| add(tx, &customer)).await?
    }

    async fn save_customer(
        &self,
        id: CustomerId,
        expected_version: Option<u32>,
        values: CustomerValues,
    ) -> Result<Customer, AccountsError> {
        self.write(move |tx, _| save(tx, id, expected_version, values)).await?
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        self.lookup(move |connection| by_id(connection, id)).await
    }

    async fn customer_titled(&self, tenant_id: TenantId, title: &str) -> Result<Option<Customer>, StoreError> {
        let title = title.to_owned();
        self.lookup(move |connection| by_title(connection, tenant_id, &title)).await
    }

    async fn customers(
        &self,
        tenant_id: TenantId,
        request: PageRequest<AccountSort>,
    ) -> Result<ListPage<Customer>, StoreError> {
        self.read(move |connection| page(connection, tenant_id, &request)).await
    }

    async fn public_customer(&self, tenant_id: TenantId, new_id: CustomerId) -> Result<Customer, StoreError> {
        self.write(move |tx, now| find_or_add_public(tx, tenant_id, new_id, now)).await
    }

    async fn mark_customer(&self, id: CustomerId) -> Result<bool, StoreError> {
        self.write(move |tx, _| {
            let mut statement =
                tx.prepare_cached("UPDATE customers SET deleting = 1 WHERE id = ?1 AND deleting = 0")?;
            Ok(statement.execute([IdText::new(id.0)])? == 1)
        })
        .await
    }

    async fn marked_customers(&self) -> Result<Vec<(TenantId, CustomerId)>, StoreError> {
        self.lookup(|connection| {
            let column = |name, index| Column::new("customers", name, index);
            connection
                .prepare_cached("SELECT id, tenant_id FROM customers WHERE deleting = 1 ORDER BY created_at, id")?
                .query_and_then([], |row| Ok((column("tenant_id", 1).id(row)?, column("id", 0).id(row)?)))?
                .collect()
        })
        .await
    }

    async fn erase_customer(&self, id: CustomerId) -> Result<(), StoreError> {
        self.write(move |tx, _| overwriting(tx, |tx| departures::erase_customer(tx, id))).await
    }
}
