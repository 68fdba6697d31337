//! Users.

use std::collections::HashMap;

use async_trait::async_trait;
use deed_domain::{
    ids::UserId,
    ports::{
        Account, AccountChange, AccountsError, Authority, Entity, LastOne, ListPage, ListedUser, PageRequest, Party,
        StoreError, User, UserCredentials, UserSort, Users, UsersOf,
    },
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{attributes, departures, json, links, logins, user_lists};
use crate::{
    registry_text::{fold_email, json_text, search_text},
    sqlite::{
        SqliteStore,
        connection::overwriting,
        error::SqlError,
        values::{Column, IdText},
    },
};

/// The columns that [`read_user`] reads.
pub(super) const USER_COLUMNS: &str = "users.id, users.tenant_id, users.customer_id, users.authority, users.email,
    users.first_name, users.last_name, users.phone, users.created_at, users.version, users.additional_info,
    users.password_hash, users.enabled";

/// A user and what the password is checked against.
pub(super) fn read_user(row: &Row<'_>) -> Result<(User, UserCredentials), SqlError> {
    let column = |name, index| Column::new("users", name, index);
    let user = User {
        id: column("id", 0).id(row)?,
        tenant_id: column("tenant_id", 1).optional_id(row)?,
        customer_id: column("customer_id", 2).optional_id(row)?,
        authority: column("authority", 3).word(row, Authority::parse)?,
        email: row.get(4)?,
        first_name: row.get(5)?,
        last_name: row.get(6)?,
        phone: row.get(7)?,
        created_at: Timestamp(row.get(8)?),
        version: column("version", 9).unsigned(row)?,
        additional_info: json::read_optional(column("additional_info", 10), row)?,
    };
    Ok((user, UserCredentials { password_hash: row.get(11)?, enabled: row.get(12)? }))
}

/// `false` if the e-mail is taken.
fn add_user(tx: &Connection, user: &User, credentials: &UserCredentials) -> Result<bool, SqlError> {
    let added = tx
        .prepare_cached(
            "INSERT INTO users (id, tenant_id, customer_id, authority, email, email_folded, first_name, last_name,
             phone, created_at, version, additional_info, password_hash, enabled, search_text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (email_folded) DO NOTHING",
        )?
        .execute(params![
            IdText::new(user.id.0),
            user.tenant_id.map(|id| IdText::new(id.0)),
            user.customer_id.map(|id| IdText::new(id.0)),
            user.authority.as_str(),
            user.email,
            fold_email(&user.email),
            user.first_name,
            user.last_name,
            user.phone,
            user.created_at.0,
            user.version,
            json_text(user.additional_info.as_ref()),
            credentials.password_hash,
            credentials.enabled,
            search_text(user),
        ])?;
    Ok(added == 1)
}

/// `false` if there is no such user, or its password is not the one that was checked.
fn set_password(
    tx: &Connection,
    id: UserId,
    checked_hash: Option<&str>,
    password_hash: &str,
) -> Result<bool, SqlError> {
    let changed = tx
        .prepare_cached("UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash IS ?2")?
        .execute(params![IdText::new(id.0), checked_hash, password_hash])?;
    if changed == 0 {
        return Ok(false);
    }
    logins::end_all(tx, id)?;
    links::forget_reset(tx, id)?;
    Ok(true)
}

fn stored(connection: &Connection, id: UserId) -> Result<Option<User>, SqlError> {
    let user = connection
        .prepare_cached(&format!("SELECT {USER_COLUMNS} FROM users WHERE id = ?1"))?
        .query_row([IdText::new(id.0)], |row| Ok(read_user(row)))
        .optional()?
        .transpose()?;
    Ok(user.map(|(user, _)| user))
}

fn account(connection: &Connection, id: UserId) -> Result<Option<Account>, SqlError> {
    let account = connection
        .prepare_cached("SELECT enabled, password_hash IS NOT NULL, last_login FROM users WHERE id = ?1")?
        .query_row([IdText::new(id.0)], |row| {
            let last_login: Option<i64> = row.get(2)?;
            Ok(Account { is_enabled: row.get(0)?, is_activated: row.get(1)?, last_login: last_login.map(Timestamp) })
        })
        .optional()?;
    Ok(account)
}

/// Saves what can be saved, and gives the user as it is then. The e-mail is looked for first: no statement of a batch may
/// fail by a constraint.
fn save_user(tx: &Connection, user: &User, expected: Option<u32>) -> Result<Result<User, AccountsError>, SqlError> {
    let Some(before) = stored(tx, user.id)? else { return Ok(Err(AccountsError::NotFound)) };
    if expected.is_some_and(|version| version != before.version) {
        return Ok(Err(AccountsError::VersionConflict));
    }
    let folded = fold_email(&user.email);
    let is_taken = tx
        .prepare_cached("SELECT 1 FROM users WHERE email_folded = ?1 AND id <> ?2")?
        .exists(params![folded, IdText::new(user.id.0)])?;
    if is_taken {
        return Ok(Err(AccountsError::EmailTaken));
    }
    if folded != fold_email(&before.email) {
        links::forget(tx, before.id)?;
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
    tx.prepare_cached(
        "UPDATE users SET email = ?2, email_folded = ?3, first_name = ?4, last_name = ?5, phone = ?6, version = ?7,
         additional_info = ?8, search_text = ?9 WHERE id = ?1",
    )?
    .execute(params![
        IdText::new(saved.id.0),
        saved.email,
        folded,
        saved.first_name,
        saved.last_name,
        saved.phone,
        saved.version,
        json_text(saved.additional_info.as_ref()),
        search_text(&saved),
    ])?;
    Ok(Ok(saved))
}

/// Whether the user may sign in, and no other of its authority and tenant.
fn is_last_one(tx: &Connection, id: UserId) -> Result<bool, SqlError> {
    let is_last = tx
        .prepare_cached(
            "SELECT 1 FROM users AS one WHERE id = ?1 AND enabled = 1 AND NOT EXISTS (
             SELECT 1 FROM users AS other WHERE other.id <> one.id AND other.authority = one.authority
             AND other.tenant_id IS one.tenant_id AND other.enabled = 1)",
        )?
        .exists([IdText::new(id.0)])?;
    Ok(is_last)
}

fn set_enabled(tx: &Connection, id: UserId, enabled: bool, last: LastOne) -> Result<AccountChange, SqlError> {
    if !enabled && last == LastOne::Stays && is_last_one(tx, id)? {
        return Ok(AccountChange::LastOne);
    }
    let changed = tx
        .prepare_cached("UPDATE users SET enabled = ?2 WHERE id = ?1 AND (?2 = 0 OR password_hash IS NOT NULL)")?
        .execute(params![IdText::new(id.0), enabled])?;
    if changed == 1 && !enabled {
        logins::end_all(tx, id)?;
        links::forget_reset(tx, id)?;
    }
    Ok(made(changed == 1))
}

const fn made(is_made: bool) -> AccountChange {
    if is_made { AccountChange::Made } else { AccountChange::Impossible }
}

/// Erases a user and everything that hangs on it; `false` if there is no such user.
pub(super) fn erase(tx: &Connection, id: UserId) -> Result<bool, SqlError> {
    let erased = tx.prepare_cached("DELETE FROM users WHERE id = ?1")?.execute([IdText::new(id.0)])?;
    logins::end_all(tx, id)?;
    links::forget(tx, id)?;
    tx.prepare_cached("DELETE FROM api_keys WHERE user_id = ?1")?.execute([IdText::new(id.0)])?;
    attributes::erase_all(tx, Entity::User(id))?;
    Ok(erased == 1)
}

#[async_trait]
impl Users for SqliteStore {
    async fn add_user(&self, user: User, credentials: UserCredentials) -> Result<(), AccountsError> {
        self.write(move |tx, _| {
            let of_tenant = user.tenant_id.map(Party::Tenant);
            for party in of_tenant.into_iter().chain(user.customer_id.map(Party::Customer)) {
                if departures::is_gone(tx, party)? {
                    return Ok(Err(AccountsError::NotFound));
                }
            }
            Ok(if add_user(tx, &user, &credentials)? { Ok(()) } else { Err(AccountsError::EmailTaken) })
        })
        .await?
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.lookup(move |connection| stored(connection, id)).await
    }

    async fn emails(&self, ids: &[UserId]) -> Result<HashMap<UserId, String>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT email FROM users WHERE id = ?1")?;
            let mut emails = HashMap::new();
            for id in ids {
                let email = statement.query_row([IdText::new(id.0)], |row| row.get(0)).optional()?;
                emails.extend(email.map(|email| (id, email)));
            }
            Ok(emails)
        })
        .await
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<(User, UserCredentials)>, StoreError> {
        let folded = fold_email(email);
        self.lookup(move |connection| {
            connection
                .prepare_cached(&format!("SELECT {USER_COLUMNS} FROM users WHERE email_folded = ?1"))?
                .query_row([folded], |row| Ok(read_user(row)))
                .optional()?
                .transpose()
        })
        .await
    }

    async fn set_password(
        &self,
        user_id: UserId,
        checked_hash: Option<String>,
        password_hash: String,
    ) -> Result<bool, StoreError> {
        self.write(move |tx, _| set_password(tx, user_id, checked_hash.as_deref(), &password_hash)).await
    }

    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.lookup(move |connection| account(connection, id)).await
    }

    async fn users(&self, of: UsersOf, page: PageRequest<UserSort>) -> Result<ListPage<ListedUser>, StoreError> {
        self.read(move |connection| user_lists::page(connection, of, &page)).await
    }

    async fn save_user(&self, user: User, expected: Option<u32>) -> Result<User, AccountsError> {
        self.write(move |tx, _| save_user(tx, &user, expected)).await?
    }

    async fn set_enabled(&self, id: UserId, enabled: bool, last: LastOne) -> Result<AccountChange, StoreError> {
        self.write(move |tx, _| set_enabled(tx, id, enabled, last)).await
    }

    async fn delete_user(&self, id: UserId, last: LastOne) -> Result<AccountChange, StoreError> {
        self.write(move |tx, _| {
            if last == LastOne::Stays && is_last_one(tx, id)? {
                return Ok(AccountChange::LastOne);
            }
            Ok(made(overwriting(tx, |tx| erase(tx, id))?))
        })
        .await
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        self.lookup(|connection| Ok(!connection.prepare_cached("SELECT 1 FROM users")?.exists([])?)).await
    }
}
