//! What devices authenticate with.

use std::collections::HashMap;

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::DeviceId,
    ports::{Credentials, CredentialsKind, DeviceCredentials, DeviceIdentity, DeviceToken, StoreError},
    time::Timestamp,
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::postgres::{
    PostgresStore,
    error::SqlError,
    values::{Column, execute, query, query_opt},
};

/// Puts devices' credentials in the place of those they had, in this order; the records stay those they are. Their ids
/// have been claimed.
pub(super) async fn put(tx: &impl GenericClient, puts: &[&DeviceCredentials], now: Timestamp) -> Result<(), SqlError> {
    let devices: Vec<Uuid> = puts.iter().map(|put| put.device_id.0).collect();
    let ids: Vec<Uuid> = puts.iter().map(|put| put.id.0).collect();
    let tenants: Vec<Uuid> = puts.iter().map(|put| put.tenant_id.0).collect();
    let kinds: Vec<&str> = puts.iter().map(|put| put.kind.as_str()).collect();
    let credentials_ids: Vec<&str> = puts.iter().map(|put| put.credentials_id.expose()).collect();
    let values: Vec<Option<&str>> =
        puts.iter().map(|put| put.credentials_value.as_ref().map(DeviceToken::expose)).collect();
    let versions: Vec<i64> = puts.iter().map(|put| i64::from(put.version)).collect();
    execute(
        tx,
        "INSERT INTO device_credentials (device_id, id, tenant_id, created_at, kind, credentials_id, credentials_value,
         version)
         SELECT device_id, id, tenant_id, $8::bigint, kind, credentials_id, credentials_value, version
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[])
         AS put (device_id, id, tenant_id, kind, credentials_id, credentials_value, version)
         ON CONFLICT (device_id) DO UPDATE SET kind = excluded.kind, credentials_id = excluded.credentials_id,
         credentials_value = excluded.credentials_value, version = device_credentials.version + 1",
        &[&devices, &ids, &tenants, &kinds, &credentials_ids, &values, &versions, &now.0],
    )
    .await
    .map(drop)
}

/// Which devices have credentials of these ids.
pub(in crate::postgres) async fn bearers(
    client: &impl GenericClient,
    credentials_ids: &[String],
) -> Result<HashMap<String, DeviceId>, SqlError> {
    let sql = "SELECT device_id, credentials_id FROM device_credentials WHERE credentials_id = ANY($1::text[])";
    let rows = query(client, sql, &[&credentials_ids]).await?;
    rows.iter().map(|row| Ok((column("credentials_id", 1).get(row)?, column("device_id", 0).id(row)?))).collect()
}

/// Of which version the credentials of these devices are, as far as they have any.
pub(in crate::postgres) async fn credentials_versions(
    client: &impl GenericClient,
    device_ids: &[DeviceId],
) -> Result<HashMap<DeviceId, u32>, SqlError> {
    let device_ids: Vec<Uuid> = device_ids.iter().map(|id| id.0).collect();
    let sql = "SELECT device_id, version FROM device_credentials WHERE device_id = ANY($1::uuid[])";
    let rows = query(client, sql, &[&device_ids]).await?;
    rows.iter().map(|row| Ok((column("device_id", 0).id(row)?, column("version", 1).unsigned(row)?))).collect()
}

const fn column(name: &'static str, index: usize) -> Column {
    Column::new("device_credentials", name, index)
}

fn read(row: &Row) -> Result<DeviceCredentials, SqlError> {
    Ok(DeviceCredentials {
        device_id: column("device_id", 0).id(row)?,
        id: column("id", 1).id(row)?,
        tenant_id: column("tenant_id", 2).id(row)?,
        created_at: Timestamp(column("created_at", 3).get(row)?),
        kind: column("kind", 4).word(row, CredentialsKind::parse)?,
        credentials_id: DeviceToken::new(column("credentials_id", 5).get::<&str>(row)?),
        credentials_value: column("credentials_value", 6).get::<Option<&str>>(row)?.map(DeviceToken::new),
        version: column("version", 7).unsigned(row)?,
    })
}

/// The credentials of which that column is that value; no two have the same.
async fn one(
    client: &impl GenericClient,
    unique: &str,
    value: &(dyn ToSql + Sync),
) -> Result<Option<DeviceCredentials>, SqlError> {
    let sql = format!(
        "SELECT device_id, id, tenant_id, created_at, kind, credentials_id, credentials_value, version
         FROM device_credentials WHERE {unique} = $1",
    );
    query_opt(client, &sql, &[value]).await?.as_ref().map(read).transpose()
}

#[async_trait]
impl Credentials for PostgresStore {
    async fn by_access_token(&self, token: &DeviceToken) -> Result<Option<DeviceIdentity>, StoreError> {
        let client = self.connection().await?;
        let sql = "SELECT device_id, tenant_id FROM device_credentials WHERE credentials_id = $1 AND kind = $2";
        let row = query_opt(&client, sql, &[&token.expose(), &CredentialsKind::AccessToken.as_str()]).await?;
        let Some(row) = row else { return Ok(None) };
        let device_id = column("device_id", 0).id(&row)?;
        Ok(Some(DeviceIdentity { device_id, tenant_id: column("tenant_id", 1).id(&row)? }))
    }

    async fn by_credentials_id(&self, id: &DeviceToken) -> Result<Option<DeviceCredentials>, StoreError> {
        Ok(one(&self.connection().await?, "credentials_id", &id.expose()).await?)
    }

    async fn of_device(&self, device_id: DeviceId) -> Result<Option<DeviceCredentials>, StoreError> {
        Ok(one(&self.connection().await?, "device_id", &device_id.0).await?)
    }
}
