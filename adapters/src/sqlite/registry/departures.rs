//! What is erased when a customer or a tenant goes.

use deed_domain::{
    ids::{CustomerId, TenantId, UserId},
    ports::Party,
};
use rusqlite::{Connection, params};

use super::users;
use crate::sqlite::{
    error::SqlError,
    values::{Column, IdText},
};

/// Whether it is being deleted, or is gone.
pub(in crate::sqlite) fn is_gone(connection: &Connection, party: Party) -> Result<bool, SqlError> {
    let (sql, id) = match party {
        Party::Tenant(id) => ("SELECT 1 FROM tenants WHERE id = ?1 AND deleting > 0", id.0),
        Party::Customer(id) => ("SELECT 1 FROM customers WHERE id = ?1 AND deleting > 0", id.0),
    };
    Ok(connection.prepare_cached(sql)?.exists([IdText::new(id)])?)
}

pub(super) fn erase_customer(tx: &Connection, id: CustomerId) -> Result<(), SqlError> {
    let key = IdText::new(id.0);
    if !tx.prepare_cached("SELECT 1 FROM customers WHERE id = ?1 AND deleting = 1")?.exists([&key])? {
        return Ok(());
    }
    erase_users(tx, "customer_id", &key)?;
    erase_customers(tx, "id", &key)
}

pub(super) fn erase_tenant(tx: &Connection, id: TenantId) -> Result<(), SqlError> {
    let key = IdText::new(id.0);
    if !tx.prepare_cached("SELECT 1 FROM tenants WHERE id = ?1 AND deleting = 1")?.exists([&key])? {
        return Ok(());
    }
    erase_users(tx, "tenant_id", &key)?;
    erase_customers(tx, "tenant_id", &key)?;
    tx.prepare_cached("DELETE FROM device_profiles WHERE tenant_id = ?1")?.execute([&key])?;
    tx.prepare_cached("DELETE FROM attributes WHERE entity_kind = 'TENANT' AND entity_id = ?1")?.execute([&key])?;
    tx.prepare_cached(
        "UPDATE tenants SET deleting = 2, title = '', title_folded = '', region = NULL, contact = NULL,
         additional_info = NULL WHERE id = ?1",
    )?
    .execute([&key])?;
    Ok(())
}

/// Erases the users that have the id in that column, and what belongs to them.
fn erase_users(tx: &Connection, column: &str, id: &IdText) -> Result<(), SqlError> {
    let of_column: Vec<UserId> = tx
        .prepare_cached(&format!("SELECT id FROM users WHERE {column} = ?1"))?
        .query_and_then([id], |row| Column::new("users", "id", 0).id(row))?
        .collect::<Result<_, _>>()?;
    of_column.into_iter().try_for_each(|user| users::erase(tx, user).map(drop))
}

/// Erases the customers that have the id in that column, but for their ids.
fn erase_customers(tx: &Connection, column: &str, id: &IdText) -> Result<(), SqlError> {
    let customers = format!("(SELECT id FROM customers WHERE {column} = ?1)");
    tx.prepare_cached(&format!("DELETE FROM attributes WHERE entity_kind = 'CUSTOMER' AND entity_id IN {customers}"))?
        .execute(params![id])?;
    tx.prepare_cached(&format!("DELETE FROM claimant_guesses WHERE customer_id IN {customers}"))?.execute([id])?;
    tx.prepare_cached(&format!(
        "UPDATE customers SET deleting = 2, title = '', title_folded = '', contact = NULL, additional_info = NULL
         WHERE {column} = ?1"
    ))?
    .execute([id])?;
    Ok(())
}
