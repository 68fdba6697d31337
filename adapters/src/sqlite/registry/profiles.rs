//! Device profiles.

use async_trait::async_trait;
use deed_domain::{
    ids::{ProfileId, TenantId},
    ports::{Profile, Profiles, StoreError},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::sqlite::{
    SqliteStore,
    error::SqlError,
    values::{Column, IdText},
};

/// Adds a profile. Its name has been claimed.
pub(super) fn add(tx: &Connection, profile: &Profile, created_at: Timestamp) -> Result<(), SqlError> {
    tx.prepare_cached("INSERT INTO device_profiles (id, tenant_id, name, created_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![IdText::new(profile.id.0), IdText::new(profile.tenant_id.0), profile.name, created_at.0])?;
    Ok(())
}

/// Whether the tenant has a profile of that name.
pub(super) fn is_taken(tx: &Connection, tenant_id: TenantId, name: &str) -> Result<bool, SqlError> {
    Ok(tx
        .prepare_cached("SELECT 1 FROM device_profiles WHERE tenant_id = ?1 AND name = ?2")?
        .exists(params![IdText::new(tenant_id.0), name])?)
}

fn read(row: &Row<'_>) -> Result<Profile, SqlError> {
    let column = |name, index| Column::new("device_profiles", name, index);
    Ok(Profile {
        id: column("id", 0).id(row)?,
        tenant_id: column("tenant_id", 1).id(row)?,
        name: row.get(2)?,
        created_at: Timestamp(row.get(3)?),
    })
}

#[async_trait]
impl Profiles for SqliteStore {
    async fn by_name(&self, tenant_id: TenantId, name: &str) -> Result<Option<Profile>, StoreError> {
        let name = name.to_owned();
        self.lookup(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id, tenant_id, name, created_at FROM device_profiles WHERE tenant_id = ?1 AND name = ?2",
                )?
                .query_row(params![IdText::new(tenant_id.0), name], |row| Ok(read(row)))
                .optional()?
                .transpose()
        })
        .await
    }

    async fn by_id(&self, id: ProfileId) -> Result<Option<Profile>, StoreError> {
        self.lookup(move |connection| {
            connection
                .prepare_cached("SELECT id, tenant_id, name, created_at FROM device_profiles WHERE id = ?1")?
                .query_row([IdText::new(id.0)], |row| Ok(read(row)))
                .optional()?
                .transpose()
        })
        .await
    }
}
