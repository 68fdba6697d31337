//! API keys.

use async_trait::async_trait;
use deed_domain::{
    ids::{ApiKeyId, UserId},
    ports::{
        ApiKey, ApiKeySort, ApiKeyValue, ApiKeys, Authority, KeyRefused, ListPage, PageRequest, Principal, Proof,
        StoreError,
    },
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    registry_text::page_of_keys,
    secrets::value_digest,
    sqlite::{
        SqliteStore,
        error::SqlError,
        values::{Column, IdText},
    },
};

const KEY: &str = "SELECT id, user_id, description, enabled, expires_at, created_at FROM api_keys";

fn read(row: &Row<'_>) -> Result<ApiKey, SqlError> {
    let column = |name, index| Column::new("api_keys", name, index);
    Ok(ApiKey {
        id: column("id", 0).id(row)?,
        user_id: column("user_id", 1).id(row)?,
        description: row.get(2)?,
        enabled: row.get(3)?,
        expires_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
        created_at: Timestamp(row.get(5)?),
    })
}

/// `false` if the user is gone.
fn add(tx: &Connection, key: &ApiKey, value: &ApiKeyValue) -> Result<bool, SqlError> {
    let added = tx
        .prepare_cached(
            "INSERT INTO api_keys (id, user_id, value_sha256, description, enabled, expires_at, created_at)
             SELECT ?1, id, ?3, ?4, ?5, ?6, ?7 FROM users WHERE id = ?2",
        )?
        .execute(params![
            IdText::new(key.id.0),
            IdText::new(key.user_id.0),
            value_digest(value),
            key.description,
            key.enabled,
            key.expires_at.map(|at| at.0),
            key.created_at.0,
        ])?;
    Ok(added == 1)
}

fn page(
    connection: &Connection,
    user_id: UserId,
    page: &PageRequest<ApiKeySort>,
) -> Result<ListPage<ApiKey>, SqlError> {
    let property = match page.sort {
        ApiKeySort::Creation => "created_at",
        ApiKeySort::Description => "description",
        ApiKeySort::Expiry => "expires_at",
        ApiKeySort::Enabled => "enabled",
    };
    let direction = if page.descending { "DESC" } else { "ASC" };
    let sql = format!("{KEY} WHERE user_id = ?1 ORDER BY {property} {direction}, created_at, id");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([IdText::new(user_id.0)], |row| Ok(read(row)))?;
    Ok(page_of_keys(rows.map(|row| row?).collect::<Result<_, _>>()?, page))
}

/// Asked by every request with a key: one statement, one row.
fn principal(
    connection: &Connection,
    value: &ApiKeyValue,
    now: Timestamp,
) -> Result<Result<Principal, KeyRefused>, SqlError> {
    let mut statement = connection.prepare_cached(
        "SELECT api_keys.id, users.id, authority, users.tenant_id, users.customer_id,
         api_keys.expires_at IS NOT NULL AND api_keys.expires_at <= ?2,
         api_keys.enabled = 1 AND users.enabled = 1 AND (users.customer_id IS NULL OR deleting = 0)
         FROM api_keys JOIN users ON users.id = user_id LEFT JOIN customers ON customers.id = users.customer_id
         WHERE value_sha256 = ?1",
    )?;
    let mut rows = statement.query(params![value_digest(value), now.0])?;
    let Some(row) = rows.next()? else { return Ok(Err(KeyRefused::Unknown)) };
    if row.get(5)? {
        return Ok(Err(KeyRefused::Expired));
    }
    if !row.get::<_, Option<bool>>(6)?.unwrap_or_default() {
        return Ok(Err(KeyRefused::Disabled));
    }
    let column = |name, index| Column::new("users", name, index);
    Ok(Ok(Principal {
        user_id: column("id", 1).id(row)?,
        proof: Proof::ApiKey(Column::new("api_keys", "id", 0).id(row)?),
        authority: column("authority", 2).word(row, Authority::parse)?,
        tenant_id: column("tenant_id", 3).optional_id(row)?,
        customer_id: column("customer_id", 4).optional_id(row)?,
    }))
}

#[async_trait]
impl ApiKeys for SqliteStore {
    async fn add_api_key(&self, key: ApiKey, value: ApiKeyValue) -> Result<bool, StoreError> {
        self.write(move |tx, _| add(tx, &key, &value)).await
    }

    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        self.lookup(move |connection| {
            connection
                .prepare_cached(&format!("{KEY} WHERE id = ?1"))?
                .query_row([IdText::new(id.0)], |row| Ok(read(row)))
                .optional()?
                .transpose()
        })
        .await
    }

    async fn api_keys_of(
        &self,
        user_id: UserId,
        request: PageRequest<ApiKeySort>,
    ) -> Result<ListPage<ApiKey>, StoreError> {
        self.read(move |connection| page(connection, user_id, &request)).await
    }

    async fn save_api_key(&self, key: ApiKey) -> Result<bool, StoreError> {
        self.write(move |tx, _| {
            let saved = tx
                .prepare_cached("UPDATE api_keys SET description = ?2, enabled = ?3 WHERE id = ?1")?
                .execute(params![IdText::new(key.id.0), key.description, key.enabled])?;
            Ok(saved == 1)
        })
        .await
    }

    async fn delete_api_key(&self, id: ApiKeyId) -> Result<(), StoreError> {
        self.write(move |tx, _| {
            tx.prepare_cached("DELETE FROM api_keys WHERE id = ?1")?.execute([IdText::new(id.0)])?;
            Ok(())
        })
        .await
    }

    async fn principal_of_key(&self, value: &ApiKeyValue) -> Result<Result<Principal, KeyRefused>, StoreError> {
        let (value, now) = (value.clone(), self.clock().now());
        self.lookup(move |connection| principal(connection, &value, now)).await
    }
}
