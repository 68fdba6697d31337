//! API keys.

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::{ApiKeyId, UserId},
    ports::{
        ApiKey, ApiKeySort, ApiKeyValue, ApiKeys, Authority, KeyRefused, ListPage, PageRequest, Principal, Proof,
        StoreError,
    },
    time::Timestamp,
};
use tokio_postgres::Row;

use super::account_lists::direction_of_optional;
use crate::{
    postgres::{
        PostgresStore,
        error::SqlError,
        values::{Column, commit, execute, query, query_opt},
    },
    registry_text::page_of_keys,
    secrets::value_digest,
};

const KEY: &str = "SELECT id, user_id, description, enabled, expires_at, created_at FROM api_keys";

fn read(row: &Row) -> Result<ApiKey, SqlError> {
    let column = |name, index| Column::new("api_keys", name, index);
    Ok(ApiKey {
        id: column("id", 0).id(row)?,
        user_id: column("user_id", 1).id(row)?,
        description: column("description", 2).get(row)?,
        enabled: column("enabled", 3).get(row)?,
        expires_at: column("expires_at", 4).get::<Option<i64>>(row)?.map(Timestamp),
        created_at: Timestamp(column("created_at", 5).get(row)?),
    })
}

/// `false` if the user is gone. A user that somebody erases at this moment is waited for, so that no key of it stays.
async fn add(tx: &impl GenericClient, key: &ApiKey, value: &ApiKeyValue) -> Result<bool, SqlError> {
    let digest = value_digest(value);
    let added = execute(
        tx,
        "INSERT INTO api_keys (id, user_id, value_sha256, description, enabled, expires_at, created_at)
         SELECT $1::uuid, id, $3::bytea, $4::text, $5::boolean, $6::bigint, $7::bigint FROM users WHERE id = $2
         FOR KEY SHARE",
        &[
            &key.id.0,
            &key.user_id.0,
            &digest.as_slice(),
            &key.description,
            &key.enabled,
            &key.expires_at.map(|at| at.0),
            &key.created_at.0,
        ],
    )
    .await?;
    Ok(added == 1)
}

async fn page(
    client: &impl GenericClient,
    user_id: UserId,
    page: &PageRequest<ApiKeySort>,
) -> Result<ListPage<ApiKey>, SqlError> {
    let property = match page.sort {
        ApiKeySort::Creation => "created_at",
        ApiKeySort::Description => "description",
        ApiKeySort::Expiry => "expires_at",
        ApiKeySort::Enabled => "enabled",
    };
    let direction = direction_of_optional(page.descending);
    let sql = format!("{KEY} WHERE user_id = $1 ORDER BY {property} {direction}, created_at, id");
    let rows = query(client, &sql, &[&user_id.0]).await?;
    Ok(page_of_keys(rows.iter().map(read).collect::<Result<_, _>>()?, page))
}

/// Asked by every request with a key: one statement, one row.
async fn principal(
    client: &impl GenericClient,
    value: &ApiKeyValue,
    now: Timestamp,
) -> Result<Result<Principal, KeyRefused>, SqlError> {
    let digest = value_digest(value);
    let row = query_opt(
        client,
        "SELECT api_keys.id, users.id, authority, users.tenant_id, users.customer_id,
         api_keys.expires_at IS NOT NULL AND api_keys.expires_at <= $2,
         api_keys.enabled AND users.enabled AND (users.customer_id IS NULL OR deleting = 0)
         FROM api_keys JOIN users ON users.id = user_id LEFT JOIN customers ON customers.id = users.customer_id
         WHERE value_sha256 = $1",
        &[&digest.as_slice(), &now.0],
    )
    .await?;
    let Some(row) = row else { return Ok(Err(KeyRefused::Unknown)) };
    if Column::new("api_keys", "expires_at", 5).get(&row)? {
        return Ok(Err(KeyRefused::Expired));
    }
    if !Column::new("api_keys", "enabled", 6).get::<Option<bool>>(&row)?.unwrap_or_default() {
        return Ok(Err(KeyRefused::Disabled));
    }
    let column = |name, index| Column::new("users", name, index);
    Ok(Ok(Principal {
        user_id: column("id", 1).id(&row)?,
        proof: Proof::ApiKey(Column::new("api_keys", "id", 0).id(&row)?),
        authority: column("authority", 2).word(&row, Authority::parse)?,
        tenant_id: column("tenant_id", 3).optional_id(&row)?,
        customer_id: column("customer_id", 4).optional_id(&row)?,
    }))
}

#[async_trait]
impl ApiKeys for PostgresStore {
    async fn add_api_key(&self, key: ApiKey, value: ApiKeyValue) -> Result<bool, StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin_unordered(&mut client).await?;
        let added = add(&tx, &key, &value).await?;
        commit(tx).await?;
        Ok(added)
    }

    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let client = self.connection().await?;
        let row = query_opt(&client, &format!("{KEY} WHERE id = $1"), &[&id.0]).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn api_keys_of(
        &self,
        user_id: UserId,
        request: PageRequest<ApiKeySort>,
    ) -> Result<ListPage<ApiKey>, StoreError> {
        Ok(page(&self.connection().await?, user_id, &request).await?)
    }

    async fn save_api_key(&self, key: ApiKey) -> Result<bool, StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin_unordered(&mut client).await?;
        let sql = "UPDATE api_keys SET description = $2, enabled = $3 WHERE id = $1";
        let saved = execute(&tx, sql, &[&key.id.0, &key.description, &key.enabled]).await?;
        commit(tx).await?;
        Ok(saved == 1)
    }

    async fn delete_api_key(&self, id: ApiKeyId) -> Result<(), StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin_unordered(&mut client).await?;
        execute(&tx, "DELETE FROM api_keys WHERE id = $1", &[&id.0]).await?;
        commit(tx).await?;
        Ok(())
    }

    async fn principal_of_key(&self, value: &ApiKeyValue) -> Result<Result<Principal, KeyRefused>, StoreError> {
        Ok(principal(&self.connection().await?, value, self.now()).await?)
    }
}
