//! Users.

use std::collections::HashMap;

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::UserId,
    ports::{
        Account, AccountChange, AccountsError, Authority, LastOne, ListPage, ListedUser, PageRequest, Party,
        StoreError, User, UserCredentials, UserSort, Users, UsersOf,
    },
    time::Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{departures, json, links, logins, user_lists};
use crate::{
    postgres::{
        PostgresStore,
        error::SqlError,
        values::{Column, commit, execute, exists, query, query_opt},
    },
    registry_text::{fold_email, json_text, search_text},
};

/// The columns that [`read_user`] reads.
pub(super) const USER_COLUMNS: &str = "users.id, users.tenant_id, users.customer_id, users.authority, users.email,
    users.first_name, users.last_name, users.phone, users.created_at, users.version, users.additional_info,
    users.password_hash, users.enabled";

/// A user and what the password is checked against.
pub(super) fn read_user(row: &Row) -> Result<(User, UserCredentials), SqlError> {
    let column = |name, index| Column::new("users", name, index);
    let user = User {
        id: column("id", 0).id(row)?,
        tenant_id: column("tenant_id", 1).optional_id(row)?,
        customer_id: column("customer_id", 2).optional_id(row)?,
        authority: column("authority", 3).word(row, Authority::parse)?,
        email: column("email", 4).get(row)?,
        first_name: column("first_name", 5).get(row)?,
        last_name: column("last_name", 6).get(row)?,
        phone: column("phone", 7).get(row)?,
        created_at: Timestamp(column("created_at", 8).get(row)?),
        version: column("version", 9).unsigned(row)?,
        additional_info: json::read_optional(column("additional_info", 10), row)?,
    };
    let password_hash = column("password_hash", 11).get(row)?;
    Ok((user, UserCredentials { password_hash, enabled: column("enabled", 12).get(row)? }))
}

/// `false` if the e-mail is taken.
async fn add_user(tx: &impl GenericClient, user: &User, credentials: &UserCredentials) -> Result<bool, SqlError> {
    let added = execute(
        tx,
        "INSERT INTO users (id, tenant_id, customer_id, authority, email, email_folded, first_name, last_name,
         phone, created_at, version, additional_info, password_hash, enabled, search_text)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (email_folded) DO NOTHING",
        &[
            &user.id.0,
            &user.tenant_id.map(|id| id.0),
            &user.customer_id.map(|id| id.0),
            &user.authority.as_str(),
            &user.email,
            &fold_email(&user.email),
            &user.first_name,
            &user.last_name,
            &user.phone,
            &user.created_at.0,
            &i64::from(user.version),
            &json_text(user.additional_info.as_ref()),
            &credentials.password_hash,
            &credentials.enabled,
            &search_text(user),
        ],
    )
    .await?;
    Ok(added == 1)
}

/// `false` if there is no such user, or its password is not the one that was checked.
async fn set_password(
    tx: &impl GenericClient,
    id: UserId,
    checked_hash: Option<&str>,
    password_hash: &str,
) -> Result<bool, SqlError> {
    let sql = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash IS NOT DISTINCT FROM $2::text";
    if execute(tx, sql, &[&id.0, &checked_hash, &password_hash]).await? == 0 {
        return Ok(false);
    }
    logins::end_all(tx, &[id.0]).await?;
    links::forget_reset(tx, id).await?;
    Ok(true)
}

async fn stored(client: &impl GenericClient, id: UserId) -> Result<Option<User>, SqlError> {
    let row = query_opt(client, &format!("SELECT {USER_COLUMNS} FROM users WHERE id = $1"), &[&id.0]).await?;
    let user = row.as_ref().map(read_user).transpose()?;
    Ok(user.map(|(user, _)| user))
}

async fn account(client: &impl GenericClient, id: UserId) -> Result<Option<Account>, SqlError> {
    let sql = "SELECT id, enabled, password_hash IS NOT NULL, last_login FROM users WHERE id = $1";
    let Some(row) = query_opt(client, sql, &[&id.0]).await? else { return Ok(None) };
    let column = |name, index| Column::new("users", name, index);
    let last_login: Option<i64> = column("last_login", 3).get(&row)?;
    Ok(Some(Account {
        is_enabled: column("enabled", 1).get(&row)?,
        is_activated: column("password_hash", 2).get(&row)?,
        last_login: last_login.map(Timestamp),
    }))
}

/// Saves what can be saved, and gives the user as it is then. The e-mail is looked for first.
async fn save_user(
    tx: &impl GenericClient,
    user: &User,
    expected: Option<u32>,
) -> Result<Result<User, AccountsError>, SqlError> {
    let Some(before) = stored(tx, user.id).await? else { return Ok(Err(AccountsError::NotFound)) };
    if expected.is_some_and(|version| version != before.version) {
        return Ok(Err(AccountsError::VersionConflict));
    }
    let folded = fold_email(&user.email);
    if exists(tx, "SELECT 1 FROM users WHERE email_folded = $1 AND id <> $2", &[&folded, &user.id.0]).await? {
        return Ok(Err(AccountsError::EmailTaken));
    }
    if folded != fold_email(&before.email) {
        links::forget(tx, &[before.id.0]).await?;
    }
    let saved = User {
        email: user.email.clone(),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        phone: user.phone.clone(),
        additional_info: user.additional_info.clone(),
        version: before.version.saturating_add(1),
        ..before
    };
    execute(
        tx,
        "UPDATE users SET email = $2, email_folded = $3, first_name = $4, last_name = $5, phone = $6, version = $7,
         additional_info = $8, search_text = $9 WHERE id = $1",
        &[
            &saved.id.0,
            &saved.email,
            &folded,
            &saved.first_name,
            &saved.last_name,
            &saved.phone,
            &i64::from(saved.version),
            &json_text(saved.additional_info.as_ref()),
            &search_text(&saved),
        ],
    )
    .await?;
    Ok(Ok(saved))
}

/// Whether the user may sign in, and no other of its authority and tenant.
async fn is_last_one(tx: &impl GenericClient, id: UserId) -> Result<bool, SqlError> {
    exists(
        tx,
        "SELECT 1 FROM users AS one WHERE id = $1 AND enabled AND NOT EXISTS (
         SELECT 1 FROM users AS other WHERE other.id <> one.id AND other.authority = one.authority
         AND other.tenant_id IS NOT DISTINCT FROM one.tenant_id AND other.enabled)",
        &[&id.0],
    )
    .await
}

async fn set_enabled(
    tx: &impl GenericClient,
    id: UserId,
    enabled: bool,
    last: LastOne,
) -> Result<AccountChange, SqlError> {
    if !enabled && last == LastOne::Stays && is_last_one(tx, id).await? {
        return Ok(AccountChange::LastOne);
    }
    let sql = "UPDATE users SET enabled = $2::boolean
         WHERE id = $1 AND (NOT $2::boolean OR password_hash IS NOT NULL)";
    let is_changed = execute(tx, sql, &[&id.0, &enabled]).await? == 1;
    if is_changed && !enabled {
        logins::end_all(tx, &[id.0]).await?;
        links::forget_reset(tx, id).await?;
    }
    Ok(made(is_changed))
}

async fn delete_user(tx: &impl GenericClient, id: UserId, last: LastOne) -> Result<AccountChange, SqlError> {
    if last == LastOne::Stays && is_last_one(tx, id).await? {
        return Ok(AccountChange::LastOne);
    }
    Ok(made(erase(tx, &[id.0]).await? == 1))
}

const fn made(is_made: bool) -> AccountChange {
    if is_made { AccountChange::Made } else { AccountChange::Impossible }
}

/// Erases users and everything that hangs on them; how many there were. They go first: whoever adds something to one of
/// them at this moment holds it, and is waited for.
pub(super) async fn erase(tx: &impl GenericClient, users: &[Uuid]) -> Result<u64, SqlError> {
    let erased = execute(tx, "DELETE FROM users WHERE id = ANY($1::uuid[])", &[&users]).await?;
    logins::end_all(tx, users).await?;
    links::forget(tx, users).await?;
    execute(tx, "DELETE FROM api_keys WHERE user_id = ANY($1::uuid[])", &[&users]).await?;
    let attributes = "DELETE FROM attributes WHERE entity_kind = 'USER' AND entity_id = ANY($1::uuid[])";
    execute(tx, attributes, &[&users]).await?;
    Ok(erased)
}

#[async_trait]
impl Users for PostgresStore {
    async fn add_user(&self, user: User, credentials: UserCredentials) -> Result<(), AccountsError> {
        let of_tenant = user.tenant_id.map(Party::Tenant);
        let parties: Vec<Party> = of_tenant.into_iter().chain(user.customer_id.map(Party::Customer)).collect();
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        if !departures::gone(&tx, &parties).await?.is_empty() {
            return Err(AccountsError::NotFound);
        }
        if !add_user(&tx, &user, &credentials).await? {
            return Err(AccountsError::EmailTaken);
        }
        commit(tx).await?;
        Ok(())
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(stored(&self.connection().await?, id).await?)
    }

    async fn emails(&self, ids: &[UserId]) -> Result<HashMap<UserId, String>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let sql = "SELECT id, email FROM users WHERE id = ANY($1::uuid[])";
        let column = |name, index| Column::new("users", name, index);
        let found = |row: &Row| Ok((column("id", 0).id(row)?, column("email", 1).get(row)?));
        let rows = query(&self.connection().await?, sql, &[&ids]).await?;
        Ok(rows.iter().map(found).collect::<Result<_, SqlError>>()?)
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<(User, UserCredentials)>, StoreError> {
        let client = self.connection().await?;
        let sql = format!("SELECT {USER_COLUMNS} FROM users WHERE email_folded = $1");
        let row = query_opt(&client, &sql, &[&fold_email(email)]).await?;
        Ok(row.as_ref().map(read_user).transpose()?)
    }

    async fn set_password(
        &self,
        user_id: UserId,
        checked_hash: Option<String>,
        password_hash: String,
    ) -> Result<bool, StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let is_set = set_password(&tx, user_id, checked_hash.as_deref(), &password_hash).await?;
        if is_set {
            commit(tx).await?;
        }
        Ok(is_set)
    }

    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        Ok(account(&self.connection().await?, id).await?)
    }

    async fn users(&self, of: UsersOf, page: PageRequest<UserSort>) -> Result<ListPage<ListedUser>, StoreError> {
        Ok(user_lists::page(&self.connection().await?, of, &page).await?)
    }

    async fn save_user(&self, user: User, expected: Option<u32>) -> Result<User, AccountsError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let saved = save_user(&tx, &user, expected).await??;
        commit(tx).await?;
        Ok(saved)
    }

    async fn set_enabled(&self, id: UserId, enabled: bool, last: LastOne) -> Result<AccountChange, StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let change = set_enabled(&tx, id, enabled, last).await?;
        if change == AccountChange::Made {
            commit(tx).await?;
        }
        Ok(change)
    }

    async fn delete_user(&self, id: UserId, last: LastOne) -> Result<AccountChange, StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin(&mut client).await?;
        let change = delete_user(&tx, id, last).await?;
        if change != AccountChange::LastOne {
            commit(tx).await?;
        }
        Ok(change)
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(!exists(&self.connection().await?, "SELECT 1 FROM users LIMIT 1", &[]).await?)
    }
}
