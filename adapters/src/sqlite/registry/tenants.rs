//! Tenants.

use async_trait::async_trait;
use deed_domain::ports::{AccountsError, Profile, Tenant, Tenants};
use rusqlite::{Connection, params};

use super::profiles;
use crate::sqlite::{SqliteStore, error::SqlError, values::IdText};

fn add_tenant(tx: &Connection, tenant: &Tenant, default_profile: &Profile) -> Result<(), SqlError> {
    tx.prepare_cached("INSERT INTO tenants (id, title, created_at) VALUES (?1, ?2, ?3)")?.execute(params![
        IdText::new(tenant.id.0),
        tenant.title,
        tenant.created_at.0
    ])?;
    profiles::add(tx, default_profile, default_profile.created_at)
}

#[async_trait]
impl Tenants for SqliteStore {
    async fn add_tenant(&self, tenant: Tenant, default_profile: Profile) -> Result<(), AccountsError> {
        Ok(self.write(move |tx, _| add_tenant(tx, &tenant, &default_profile)).await?)
    }
}
