//! What devices authenticate with.

use async_trait::async_trait;
use deed_domain::{
    ids::DeviceId,
    ports::{Credentials, CredentialsKind, DeviceCredentials, DeviceIdentity, DeviceToken, StoreError},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use crate::sqlite::{
    SqliteStore,
    error::SqlError,
    values::{Column, IdText},
};

/// Puts a device's credentials in the place of those it had; the record stays the one it is. Their id has been claimed.
pub(super) fn put(tx: &Connection, put: &DeviceCredentials, now: Timestamp) -> Result<(), SqlError> {
    tx.prepare_cached(
        "INSERT INTO device_credentials (device_id, id, tenant_id, created_at, kind, credentials_id, credentials_value,
         version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (device_id) DO UPDATE SET kind = excluded.kind, credentials_id = excluded.credentials_id,
         credentials_value = excluded.credentials_value, version = version + 1",
    )?
    .execute(params![
        IdText::new(put.device_id.0),
        IdText::new(put.id.0),
        IdText::new(put.tenant_id.0),
        now.0,
        put.kind.as_str(),
        put.credentials_id.expose(),
        put.credentials_value.as_ref().map(DeviceToken::expose),
        put.version,
    ])?;
    Ok(())
}

/// Deletes a device's credentials.
pub(super) fn erase(tx: &Connection, device_id: DeviceId) -> Result<(), SqlError> {
    tx.prepare_cached("DELETE FROM device_credentials WHERE device_id = ?1")?.execute([IdText::new(device_id.0)])?;
    Ok(())
}

/// Whether another device has credentials of that id.
pub(super) fn is_taken(tx: &Connection, credentials_id: &str, device_id: DeviceId) -> Result<bool, SqlError> {
    Ok(tx
        .prepare_cached("SELECT 1 FROM device_credentials WHERE credentials_id = ?1 AND device_id <> ?2")?
        .exists(params![credentials_id, IdText::new(device_id.0)])?)
}

/// Whether the device's credentials are of another version, or not there at all.
pub(super) fn is_other_version(tx: &Connection, version: u32, device_id: DeviceId) -> Result<bool, SqlError> {
    Ok(!tx
        .prepare_cached("SELECT 1 FROM device_credentials WHERE device_id = ?1 AND version = ?2")?
        .exists(params![IdText::new(device_id.0), version])?)
}

const fn column(name: &'static str, index: usize) -> Column {
    Column::new("device_credentials", name, index)
}

fn read(row: &Row<'_>) -> Result<DeviceCredentials, SqlError> {
    Ok(DeviceCredentials {
        device_id: column("device_id", 0).id(row)?,
        id: column("id", 1).id(row)?,
        tenant_id: column("tenant_id", 2).id(row)?,
        created_at: Timestamp(row.get(3)?),
        kind: column("kind", 4).word(row, CredentialsKind::parse)?,
        credentials_id: DeviceToken::new(row.get::<_, String>(5)?),
        credentials_value: row.get::<_, Option<String>>(6)?.map(DeviceToken::new),
        version: column("version", 7).unsigned(row)?,
    })
}

/// The credentials of which that column is that value; no two have the same.
fn one(connection: &Connection, unique: &str, value: impl ToSql) -> Result<Option<DeviceCredentials>, SqlError> {
    connection
        .prepare_cached(&format!(
            "SELECT device_id, id, tenant_id, created_at, kind, credentials_id, credentials_value, version
             FROM device_credentials WHERE {unique} = ?1",
        ))?
        .query_row([value], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

#[async_trait]
impl Credentials for SqliteStore {
    async fn by_access_token(&self, token: &DeviceToken) -> Result<Option<DeviceIdentity>, StoreError> {
        let token = token.clone();
        self.lookup(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT device_id, tenant_id FROM device_credentials WHERE credentials_id = ?1 AND kind = ?2",
            )?;
            let mut rows = statement.query(params![token.expose(), CredentialsKind::AccessToken.as_str()])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let device_id = column("device_id", 0).id(row)?;
            Ok(Some(DeviceIdentity { device_id, tenant_id: column("tenant_id", 1).id(row)? }))
        })
        .await
    }

    async fn by_credentials_id(&self, id: &DeviceToken) -> Result<Option<DeviceCredentials>, StoreError> {
        let id = id.clone();
        self.lookup(move |connection| one(connection, "credentials_id", id.expose())).await
    }

    async fn of_device(&self, device_id: DeviceId) -> Result<Option<DeviceCredentials>, StoreError> {
        self.lookup(move |connection| one(connection, "device_id", IdText::new(device_id.0))).await
    }
}
