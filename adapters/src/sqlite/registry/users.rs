//! Users.

use async_trait::async_trait;
use deed_domain::{
    ids::UserId,
    ports::{AccountsError, Authority, StoreError, User, UserCredentials, Users},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{email, json, logins};
use crate::sqlite::{
    SqliteStore,
    error::SqlError,
    values::{Column, IdText},
};

const USER: &str = "SELECT id, tenant_id, customer_id, authority, email, first_name, last_name, phone, created_at,
    version, additional_info, password_hash, enabled FROM users";

/// A user and what the password is checked against, from the columns of [`USER`].
fn read_user(row: &Row<'_>) -> Result<(User, UserCredentials), SqlError> {
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
             phone, created_at, version, additional_info, password_hash, enabled)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (email_folded) DO NOTHING",
        )?
        .execute(params![
            IdText::new(user.id.0),
            user.tenant_id.map(|id| IdText::new(id.0)),
            user.customer_id.map(|id| IdText::new(id.0)),
            user.authority.as_str(),
            user.email,
            email::fold(&user.email),
            user.first_name,
            user.last_name,
            user.phone,
            user.created_at.0,
            user.version,
            json::text(user.additional_info.as_ref()),
            credentials.password_hash,
            credentials.enabled,
        ])?;
    Ok(added == 1)
}

/// `false` if there is no such user.
fn set_password(tx: &Connection, id: UserId, password_hash: &str) -> Result<bool, SqlError> {
    let changed = tx
        .prepare_cached("UPDATE users SET password_hash = ?2 WHERE id = ?1")?
        .execute(params![IdText::new(id.0), password_hash])?;
    logins::end_all(tx, id)?;
    Ok(changed == 1)
}

#[async_trait]
impl Users for SqliteStore {
    async fn add_user(&self, user: User, credentials: UserCredentials) -> Result<(), AccountsError> {
        let added = self.write(move |tx, _| add_user(tx, &user, &credentials)).await?;
        if added { Ok(()) } else { Err(AccountsError::EmailTaken) }
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.lookup(move |connection| {
            let user = connection
                .prepare_cached(&format!("{USER} WHERE id = ?1"))?
                .query_row([IdText::new(id.0)], |row| Ok(read_user(row)))
                .optional()?
                .transpose()?;
            Ok(user.map(|(user, _)| user))
        })
        .await
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<(User, UserCredentials)>, StoreError> {
        let folded = email::fold(email);
        self.lookup(move |connection| {
            connection
                .prepare_cached(&format!("{USER} WHERE email_folded = ?1"))?
                .query_row([folded], |row| Ok(read_user(row)))
                .optional()?
                .transpose()
        })
        .await
    }

    async fn set_password(&self, user_id: UserId, password_hash: String) -> Result<bool, StoreError> {
        self.write(move |tx, _| set_password(tx, user_id, &password_hash)).await
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        self.lookup(|connection| Ok(!connection.prepare_cached("SELECT 1 FROM users")?.exists([])?)).await
    }
}
