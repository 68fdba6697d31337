//! Plain attributes, and devices' `additionalInfo`.

use async_trait::async_trait;
use deed_domain::{
    device::OwnAttributes,
    ids::DeviceId,
    ports::{Attribute, AttributeScope, Attributes, Entity, StoreError},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

use super::json;
use crate::{
    registry_text::json_text,
    sqlite::{
        SqliteStore,
        error::SqlError,
        values::{Column, IdText},
    },
};

/// Adds attributes, or replaces those of the same key.
pub(super) fn put(
    tx: &Connection,
    entity: Entity,
    scope: AttributeScope,
    put: &[(String, Value)],
    now: Timestamp,
) -> Result<(), SqlError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO attributes (entity_kind, entity_id, key, scope, value, last_update)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (entity_kind, entity_id, key, scope)
         DO UPDATE SET value = excluded.value, last_update = excluded.last_update",
    )?;
    for (key, value) in put {
        let id = IdText::new(entity.id());
        statement.execute(params![entity.kind(), id, key, scope.as_str(), value.to_string(), now.0])?;
    }
    Ok(())
}

/// Deletes attributes; those that are not there are no fault.
pub(super) fn delete(tx: &Connection, entity: Entity, scope: AttributeScope, keys: &[String]) -> Result<(), SqlError> {
    let mut statement = tx.prepare_cached(
        "DELETE FROM attributes WHERE entity_kind = ?1 AND entity_id = ?2 AND key = ?3 AND scope = ?4",
    )?;
    for key in keys {
        statement.execute(params![entity.kind(), IdText::new(entity.id()), key, scope.as_str()])?;
    }
    Ok(())
}

/// What a device's own attributes take, with and without those of these keys.
pub(in crate::sqlite) fn own(tx: &Connection, device_id: DeviceId, keys: &[String]) -> Result<OwnAttributes, SqlError> {
    let (kind, id, scope) =
        (Entity::Device(device_id).kind(), IdText::new(device_id.0), AttributeScope::Client.as_str());
    // Kept by triggers.
    let all: Option<i64> = tx
        .prepare_cached("SELECT bytes FROM own_attributes WHERE device_id = ?1")?
        .query_row([&id], |row| row.get(0))
        .optional()?;
    let all = all.unwrap_or_default();
    let mut one = tx.prepare_cached(
        "SELECT octet_length(key) + octet_length(value) FROM attributes
         WHERE entity_kind = ?1 AND entity_id = ?2 AND key = ?3 AND scope = ?4",
    )?;
    let mut others = all;
    for key in keys {
        let bytes: Option<i64> = one.query_row(params![kind, id, key, scope], |row| row.get(0)).optional()?;
        others -= bytes.unwrap_or_default();
    }
    Ok(OwnAttributes { all: all.unsigned_abs(), others: others.unsigned_abs() })
}

/// Puts a device's `additionalInfo` in the place of the one it had.
pub(super) fn put_additional_info(tx: &Connection, device_id: DeviceId, info: Option<&Value>) -> Result<(), SqlError> {
    let id = IdText::new(device_id.0);
    match json_text(info) {
        Some(text) => tx
            .prepare_cached(
                "INSERT INTO device_registry (device_id, additional_info) VALUES (?1, ?2)
                 ON CONFLICT (device_id) DO UPDATE SET additional_info = excluded.additional_info",
            )?
            .execute(params![id, text])?,
        None => tx.prepare_cached("DELETE FROM device_registry WHERE device_id = ?1")?.execute([id])?,
    };
    Ok(())
}

/// Deletes all attributes of an entity.
pub(super) fn erase_all(tx: &Connection, entity: Entity) -> Result<(), SqlError> {
    tx.prepare_cached("DELETE FROM attributes WHERE entity_kind = ?1 AND entity_id = ?2")?
        .execute(params![entity.kind(), IdText::new(entity.id())])?;
    Ok(())
}

/// Deletes all attributes of a device, and its `additionalInfo`.
pub(super) fn erase(tx: &Connection, device_id: DeviceId) -> Result<(), SqlError> {
    erase_all(tx, Entity::Device(device_id))?;
    put_additional_info(tx, device_id, None)
}

fn read(row: &Row<'_>) -> Result<Attribute, SqlError> {
    let column = |name, index| Column::new("attributes", name, index);
    Ok(Attribute {
        key: row.get(1)?,
        scope: column("scope", 2).word(row, AttributeScope::parse)?,
        value: json::read(column("value", 3), row)?,
        last_update: Timestamp(row.get(4)?),
    })
}

#[async_trait]
impl Attributes for SqliteStore {
    async fn of(&self, entity: Entity, scope: Option<AttributeScope>) -> Result<Vec<Attribute>, StoreError> {
        self.read(move |connection| {
            // The first column names the row, should it be damaged.
            let mut statement = connection.prepare_cached(
                "SELECT entity_id || '/' || scope || '/' || key, key, scope, value, last_update FROM attributes
                 WHERE entity_kind = ?1 AND entity_id = ?2 AND (?3 IS NULL OR scope = ?3) ORDER BY key, scope",
            )?;
            let scope = scope.map(AttributeScope::as_str);
            let rows =
                statement.query_map(params![entity.kind(), IdText::new(entity.id()), scope], |row| Ok(read(row)))?;
            rows.map(|row| row?).collect()
        })
        .await
    }

    async fn put(&self, entity: Entity, scope: AttributeScope, put: Vec<(String, Value)>) -> Result<(), StoreError> {
        self.write(move |tx, now| self::put(tx, entity, scope, &put, now)).await
    }

    async fn delete(&self, entity: Entity, scope: AttributeScope, keys: Vec<String>) -> Result<(), StoreError> {
        self.write(move |tx, _| self::delete(tx, entity, scope, &keys)).await
    }

    async fn additional_info(&self, device_id: DeviceId) -> Result<Option<Value>, StoreError> {
        self.lookup(move |connection| {
            let column = Column::new("device_registry", "additional_info", 1);
            connection
                .prepare_cached("SELECT device_id, additional_info FROM device_registry WHERE device_id = ?1")?
                .query_row([IdText::new(device_id.0)], |row| Ok(json::read(column, row)))
                .optional()?
                .transpose()
        })
        .await
    }
}
