//! Customers.

use async_trait::async_trait;
use deed_domain::{
    ids::CustomerId,
    ports::{AccountsError, Customer, Customers, StoreError},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::json;
use crate::sqlite::{
    SqliteStore,
    error::SqlError,
    values::{Column, IdText},
};

fn read_customer(row: &Row<'_>) -> Result<Customer, SqlError> {
    let column = |name, index| Column::new("customers", name, index);
    Ok(Customer {
        id: column("id", 0).id(row)?,
        tenant_id: column("tenant_id", 1).id(row)?,
        title: row.get(2)?,
        created_at: Timestamp(row.get(3)?),
        version: column("version", 4).unsigned(row)?,
        additional_info: json::read_optional(column("additional_info", 5), row)?,
    })
}

/// `false` if the title is taken.
fn add_customer(tx: &Connection, customer: &Customer) -> Result<bool, SqlError> {
    let added = tx
        .prepare_cached(
            "INSERT INTO customers (id, tenant_id, title, created_at, version, additional_info)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (tenant_id, title) DO NOTHING",
        )?
        .execute(params![
            IdText::new(customer.id.0),
            IdText::new(customer.tenant_id.0),
            customer.title,
            customer.created_at.0,
            customer.version,
            json::text(customer.additional_info.as_ref()),
        ])?;
    Ok(added == 1)
}

#[async_trait]
impl Customers for SqliteStore {
    async fn add_customer(&self, customer: Customer) -> Result<(), AccountsError> {
        let added = self.write(move |tx, _| add_customer(tx, &customer)).await?;
        if added { Ok(()) } else { Err(AccountsError::TitleTaken) }
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        self.lookup(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id, tenant_id, title, created_at, version, additional_info FROM customers WHERE id = ?1",
                )?
                .query_row([IdText::new(id.0)], |row| Ok(read_customer(row)))
                .optional()?
                .transpose()
        })
        .await
    }
}
