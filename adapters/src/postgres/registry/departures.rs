//! What is erased when a customer, a tenant or a device goes.

use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::{CustomerId, TenantId},
    ports::Party,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::users;
use crate::postgres::{
    error::SqlError,
    values::{Column, execute, exists, query},
};

/// Those among them that are being deleted, or are gone.
pub(in crate::postgres) async fn gone(client: &impl GenericClient, parties: &[Party]) -> Result<Vec<Party>, SqlError> {
    if parties.is_empty() {
        return Ok(Vec::new());
    }
    let (mut tenants, mut customers): (Vec<Uuid>, Vec<Uuid>) = Default::default();
    for party in parties {
        match party {
            Party::Tenant(id) => tenants.push(id.0),
            Party::Customer(id) => customers.push(id.0),
        }
    }
    let rows = query(
        client,
        "SELECT id, true FROM tenants WHERE id = ANY($1::uuid[]) AND deleting > 0
         UNION ALL SELECT id, false FROM customers WHERE id = ANY($2::uuid[]) AND deleting > 0",
        &[&tenants, &customers],
    )
    .await?;
    rows.iter().map(read_party).collect()
}

fn read_party(row: &Row) -> Result<Party, SqlError> {
    let is_tenant: bool = Column::new("tenants", "deleting", 1).get(row)?;
    Ok(if is_tenant {
        Party::Tenant(Column::new("tenants", "id", 0).id(row)?)
    } else {
        Party::Customer(Column::new("customers", "id", 0).id(row)?)
    })
}

/// Whether it is being deleted, or is gone.
pub(super) async fn is_gone(client: &impl GenericClient, party: Party) -> Result<bool, SqlError> {
    Ok(!gone(client, &[party]).await?.is_empty())
}

/// Erases everything that the registry holds on devices, and that others are reached through them.
pub(super) async fn erase_devices(tx: &impl GenericClient, device_ids: &[Uuid]) -> Result<(), SqlError> {
    execute(
        tx,
        "WITH credentials AS (DELETE FROM device_credentials WHERE device_id = ANY($1::uuid[])),
         reached AS (DELETE FROM gateway_devices
             WHERE device_id = ANY($1::uuid[]) OR gateway_id = ANY($1::uuid[])),
         kept AS (DELETE FROM attributes WHERE entity_kind = 'DEVICE' AND entity_id = ANY($1::uuid[]))
         DELETE FROM device_registry WHERE device_id = ANY($1::uuid[])",
        &[&device_ids],
    )
    .await
    .map(drop)
}

pub(super) async fn erase_customer(tx: &impl GenericClient, id: CustomerId) -> Result<(), SqlError> {
    if !exists(tx, "SELECT 1 FROM customers WHERE id = $1 AND deleting = 1", &[&id.0]).await? {
        return Ok(());
    }
    erase_users(tx, "customer_id", id.0).await?;
    erase_customers(tx, "id", id.0).await
}

pub(super) async fn erase_tenant(tx: &impl GenericClient, id: TenantId) -> Result<(), SqlError> {
    if !exists(tx, "SELECT 1 FROM tenants WHERE id = $1 AND deleting = 1", &[&id.0]).await? {
        return Ok(());
    }
    erase_users(tx, "tenant_id", id.0).await?;
    erase_customers(tx, "tenant_id", id.0).await?;
    execute(tx, "DELETE FROM device_profiles WHERE tenant_id = $1", &[&id.0]).await?;
    execute(tx, "DELETE FROM attributes WHERE entity_kind = 'TENANT' AND entity_id = $1", &[&id.0]).await?;
    execute(
        tx,
        "UPDATE tenants SET deleting = 2, title = '', title_folded = '', region = NULL, contact = NULL,
         additional_info = NULL WHERE id = $1",
        &[&id.0],
    )
    .await
    .map(drop)
}

/// Erases the users that have the id in that column, and what belongs to them.
async fn erase_users(tx: &impl GenericClient, column: &str, id: Uuid) -> Result<(), SqlError> {
    let rows = query(tx, &format!("SELECT id FROM users WHERE {column} = $1"), &[&id]).await?;
    let users: Vec<Uuid> = rows.iter().map(|row| Column::new("users", "id", 0).get(row)).collect::<Result<_, _>>()?;
    users::erase(tx, &users).await.map(drop)
}

/// Erases the customers that have the id in that column, but for their ids.
async fn erase_customers(tx: &impl GenericClient, column: &str, id: Uuid) -> Result<(), SqlError> {
    let customers = format!("(SELECT id FROM customers WHERE {column} = $1)");
    let attributes = format!("DELETE FROM attributes WHERE entity_kind = 'CUSTOMER' AND entity_id IN {customers}");
    let guesses = format!("DELETE FROM claimant_guesses WHERE customer_id IN {customers}");
    let rows = format!(
        "UPDATE customers SET deleting = 2, title = '', title_folded = '', contact = NULL, additional_info = NULL
         WHERE {column} = $1"
    );
    for sql in [attributes, guesses, rows] {
        execute(tx, &sql, &[&id]).await?;
    }
    Ok(())
}
