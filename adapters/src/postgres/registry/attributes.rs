//! Plain attributes, and devices' `additionalInfo`.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::DeviceId,
    ports::{Attribute, AttributeScope, Attributes, Entity, StoreError},
    time::Timestamp,
};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{gateway_devices::is_gateway, json};
use crate::{
    postgres::{
        PostgresStore,
        error::SqlError,
        values::{Column, commit, execute, query, query_opt},
    },
    registry_text::json_text,
};

/// Adds attributes, or replaces those of the same key; none may be there twice.
pub(super) async fn put(
    tx: &impl GenericClient,
    puts: &[(Entity, AttributeScope, &str, &Value)],
    now: Timestamp,
) -> Result<(), SqlError> {
    let kinds: Vec<&str> = puts.iter().map(|(entity, ..)| entity.kind()).collect();
    let ids: Vec<Uuid> = puts.iter().map(|(entity, ..)| entity.id()).collect();
    let keys: Vec<&str> = puts.iter().map(|(_, _, key, _)| *key).collect();
    let scopes: Vec<&str> = puts.iter().map(|(_, scope, ..)| scope.as_str()).collect();
    let values: Vec<String> = puts.iter().map(|(.., value)| value.to_string()).collect();
    execute(
        tx,
        "INSERT INTO attributes (entity_kind, entity_id, key, scope, value, last_update)
         SELECT entity_kind, entity_id, key, scope, value, $6::bigint
         FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[])
         AS put (entity_kind, entity_id, key, scope, value)
         ON CONFLICT (entity_kind, entity_id, key, scope)
         DO UPDATE SET value = excluded.value, last_update = excluded.last_update",
        &[&kinds, &ids, &keys, &scopes, &values, &now.0],
    )
    .await
    .map(drop)
}

/// Deletes attributes; those that are not there are no fault.
pub(super) async fn delete(
    tx: &impl GenericClient,
    deleted: &[(Entity, AttributeScope, &str)],
) -> Result<(), SqlError> {
    let kinds: Vec<&str> = deleted.iter().map(|(entity, ..)| entity.kind()).collect();
    let ids: Vec<Uuid> = deleted.iter().map(|(entity, ..)| entity.id()).collect();
    let keys: Vec<&str> = deleted.iter().map(|(.., key)| *key).collect();
    let scopes: Vec<&str> = deleted.iter().map(|(_, scope, _)| scope.as_str()).collect();
    execute(
        tx,
        "DELETE FROM attributes USING unnest($1::text[], $2::uuid[], $3::text[], $4::text[])
         AS deleted (entity_kind, entity_id, key, scope)
         WHERE attributes.entity_kind = deleted.entity_kind AND attributes.entity_id = deleted.entity_id
         AND attributes.key = deleted.key AND attributes.scope = deleted.scope",
        &[&kinds, &ids, &keys, &scopes],
    )
    .await
    .map(drop)
}

/// What devices' own attributes take, bytes of keys and values.
#[derive(Default)]
pub(in crate::postgres) struct OwnBytes {
    /// All of a device's.
    pub(in crate::postgres) all: HashMap<DeviceId, u64>,
    /// That of a key.
    pub(in crate::postgres) of_keys: HashMap<(DeviceId, String), u64>,
}

/// What all own attributes of these devices take, and those of these keys.
pub(in crate::postgres) async fn own(
    client: &impl GenericClient,
    wanted: &[(DeviceId, String)],
) -> Result<OwnBytes, SqlError> {
    let mut found = OwnBytes::default();
    if wanted.is_empty() {
        return Ok(found);
    }
    let (devices, keys): (Vec<Uuid>, Vec<&str>) = wanted.iter().map(|(id, key)| (id.0, key.as_str())).unzip();
    // Kept by triggers.
    let all =
        query(client, "SELECT device_id, bytes FROM own_attributes WHERE device_id = ANY($1)", &[&devices]).await?;
    for row in &all {
        let column = |name, index| Column::new("own_attributes", name, index);
        found.all.insert(column("device_id", 0).id(row)?, column("bytes", 1).unsigned(row)?);
    }
    let of_keys = query(
        client,
        r#"SELECT entity_id, attributes.key, (octet_length(attributes.key) + octet_length(value))::bigint
           FROM unnest($1::uuid[], $2::text[]) AS wanted (device_id, key)
           JOIN attributes ON entity_kind = 'DEVICE' AND entity_id = wanted.device_id
           AND attributes.key = wanted.key COLLATE "C" AND scope = 'CLIENT_SCOPE'"#,
        &[&devices, &keys],
    )
    .await?;
    for row in &of_keys {
        let column = |name, index| Column::new("attributes", name, index);
        let key = (column("entity_id", 0).id(row)?, column("key", 1).get(row)?);
        found.of_keys.insert(key, column("value", 2).unsigned(row)?);
    }
    Ok(found)
}

/// Deletes attributes of one entity while others may put some. Rows are taken in the order in which they are put, so
/// that nobody waits for somebody who waits.
async fn delete_of(
    tx: &impl GenericClient,
    entity: Entity,
    scope: AttributeScope,
    keys: &[String],
) -> Result<(), SqlError> {
    execute(
        tx,
        "DELETE FROM attributes WHERE entity_kind = $1 AND entity_id = $2 AND scope = $3 AND key = ANY(ARRAY(
             SELECT key FROM attributes WHERE entity_kind = $1 AND entity_id = $2 AND scope = $3
             AND key = ANY($4::text[]) ORDER BY key FOR UPDATE))",
        &[&entity.kind(), &entity.id(), &scope.as_str(), &keys],
    )
    .await
    .map(drop)
}

/// Puts devices' `additionalInfo` in the place of those they had.
pub(super) async fn put_additional_info(
    tx: &impl GenericClient,
    puts: &[(DeviceId, Option<&Value>)],
) -> Result<(), SqlError> {
    let (mut devices, mut texts, mut gateways): (Vec<Uuid>, Vec<String>, Vec<bool>) = Default::default();
    let mut without: Vec<Uuid> = Vec::new();
    for (device_id, info) in puts {
        match json_text(*info) {
            Some(text) => {
                devices.push(device_id.0);
                texts.push(text);
                gateways.push(info.is_some_and(is_gateway));
            }
            None => without.push(device_id.0),
        }
    }
    if !devices.is_empty() {
        execute(
            tx,
            "INSERT INTO device_registry (device_id, additional_info, is_gateway)
             SELECT * FROM unnest($1::uuid[], $2::text[], $3::boolean[])
             ON CONFLICT (device_id)
             DO UPDATE SET additional_info = excluded.additional_info, is_gateway = excluded.is_gateway",
            &[&devices, &texts, &gateways],
        )
        .await?;
    }
    if !without.is_empty() {
        execute(tx, "DELETE FROM device_registry WHERE device_id = ANY($1::uuid[])", &[&without]).await?;
    }
    Ok(())
}

fn read(row: &Row) -> Result<Attribute, SqlError> {
    let column = |name, index| Column::new("attributes", name, index);
    Ok(Attribute {
        key: column("key", 1).get(row)?,
        scope: column("scope", 2).word(row, AttributeScope::parse)?,
        value: json::read(column("value", 3), row)?,
        last_update: Timestamp(column("last_update", 4).get(row)?),
    })
}

#[async_trait]
impl Attributes for PostgresStore {
    async fn of(&self, entity: Entity, scope: Option<AttributeScope>) -> Result<Vec<Attribute>, StoreError> {
        let client = self.connection().await?;
        let scope = scope.map(AttributeScope::as_str);
        // The first column names the row, should it be damaged.
        let rows = query(
            &client,
            "SELECT entity_id::text || '/' || scope || '/' || key, key, scope, value, last_update FROM attributes
             WHERE entity_kind = $1 AND entity_id = $2 AND ($3::text IS NULL OR scope = $3) ORDER BY key, scope",
            &[&entity.kind(), &entity.id(), &scope],
        )
        .await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn put(&self, entity: Entity, scope: AttributeScope, put: Vec<(String, Value)>) -> Result<(), StoreError> {
        // Of a key that is there twice the last one counts; rows are taken in the order of their keys.
        let last: BTreeMap<&str, &Value> = put.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let puts: Vec<_> = last.into_iter().map(|(key, value)| (entity, scope, key, value)).collect();
        let mut client = self.connection().await?;
        let (tx, now) = self.begin_unordered(&mut client).await?;
        self::put(&tx, &puts, now).await?;
        commit(tx).await?;
        Ok(())
    }

    async fn delete(&self, entity: Entity, scope: AttributeScope, keys: Vec<String>) -> Result<(), StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin_unordered(&mut client).await?;
        delete_of(&tx, entity, scope, &keys).await?;
        commit(tx).await?;
        Ok(())
    }

    async fn additional_info(&self, device_id: DeviceId) -> Result<Option<Value>, StoreError> {
        let client = self.connection().await?;
        let sql = "SELECT device_id, additional_info FROM device_registry WHERE device_id = $1";
        let row = query_opt(&client, sql, &[&device_id.0]).await?;
        let column = Column::new("device_registry", "additional_info", 1);
        Ok(row.map(|row| json::read(column, &row)).transpose()?)
    }
}
