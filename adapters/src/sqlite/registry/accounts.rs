//! Tenants, customers, users, and their logins.

use async_trait::async_trait;
use deed_domain::{
    ids::{CustomerId, SessionId, UserId},
    ports::{
        Accounts, AccountsError, Authority, Customer, Principal, Profile, StoreError, Tenant, User, UserCredentials,
    },
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{email, json, profiles};
use crate::sqlite::{
    SqliteStore,
    error::SqlError,
    values::{Column, IdText},
};

/// Expired logins that are deleted whenever a new one is recorded.
const FORGOTTEN_AT_ONCE: u32 = 16;

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

fn read_customer(row: &Row<'_>) -> Result<Customer, SqlError> {
    let column = |name, index| Column::new("customers", name, index);
    Ok(Customer {
        id: column("id", 0).id(row)?,
        tenant_id: column("tenant_id", 1).id(row)?,
        title: row.get(2)?,
        created_at: Timestamp(row.get(3)?),
        version: column("version", 4).unsigned(row)?,
        additional_info: json::read_optional(column("additional_info", 5), row)?,
    })
}

fn add_tenant(tx: &Connection, tenant: &Tenant, default_profile: &Profile) -> Result<(), SqlError> {
    tx.prepare_cached("INSERT INTO tenants (id, title, created_at) VALUES (?1, ?2, ?3)")?.execute(params![
        IdText::new(tenant.id.0),
        tenant.title,
        tenant.created_at.0
    ])?;
    profiles::add(tx, default_profile, default_profile.created_at)
}

/// `false` if the title is taken.
fn add_customer(tx: &Connection, customer: &Customer) -> Result<bool, SqlError> {
    let added = tx
        .prepare_cached(
            "INSERT INTO customers (id, tenant_id, title, created_at, version, additional_info)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (tenant_id, title) DO NOTHING",
        )?
        .execute(params![
            IdText::new(customer.id.0),
            IdText::new(customer.tenant_id.0),
            customer.title,
            customer.created_at.0,
            customer.version,
            json::text(customer.additional_info.as_ref()),
        ])?;
    Ok(added == 1)
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

/// Records a login, or that it lasts longer, and forgets a few that have expired.
fn open_session(
    tx: &Connection,
    id: SessionId,
    user_id: UserId,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), SqlError> {
    tx.prepare_cached(
        "INSERT INTO login_sessions (id, user_id, expires_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)
         WHERE user_id = excluded.user_id",
    )?
    .execute(params![IdText::new(id.0), IdText::new(user_id.0), expires_at.0])?;
    tx.prepare_cached(
        "DELETE FROM login_sessions WHERE id IN
         (SELECT id FROM login_sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
    )?
    .execute(params![now.0, FORGOTTEN_AT_ONCE])?;
    Ok(())
}

/// Asked by every request: one statement, one row.
fn principal(
    connection: &Connection,
    session_id: SessionId,
    user_id: UserId,
    now: Timestamp,
) -> Result<Option<Principal>, SqlError> {
    let mut statement = connection.prepare_cached(
        "SELECT users.id, authority, users.tenant_id, users.customer_id
         FROM login_sessions JOIN users ON users.id = user_id LEFT JOIN customers ON customers.id = users.customer_id
         WHERE login_sessions.id = ?1 AND user_id = ?2 AND expires_at > ?3
         AND enabled = 1 AND (users.customer_id IS NULL OR deleting = 0)",
    )?;
    let mut rows = statement.query(params![IdText::new(session_id.0), IdText::new(user_id.0), now.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let column = |name, index| Column::new("users", name, index);
    Ok(Some(Principal {
        user_id,
        session_id,
        authority: column("authority", 1).word(row, Authority::parse)?,
        tenant_id: column("tenant_id", 2).optional_id(row)?,
        customer_id: column("customer_id", 3).optional_id(row)?,
    }))
}

#[async_trait]
impl Accounts for SqliteStore {
    async fn add_tenant(&self, tenant: Tenant, default_profile: Profile) -> Result<(), AccountsError> {
        Ok(self.write(move |tx, _| add_tenant(tx, &tenant, &default_profile)).await?)
    }

    async fn add_customer(&self, customer: Customer) -> Result<(), AccountsError> {
        let added = self.write(move |tx, _| add_customer(tx, &customer)).await?;
        if added { Ok(()) } else { Err(AccountsError::TitleTaken) }
    }

    async fn add_user(&self, user: User, credentials: UserCredentials) -> Result<(), AccountsError> {
        let added = self.write(move |tx, _| add_user(tx, &user, &credentials)).await?;
        if added { Ok(()) } else { Err(AccountsError::EmailTaken) }
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        self.lookup(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id, tenant_id, title, created_at, version, additional_info FROM customers WHERE id = ?1",
                )?
                .query_row([IdText::new(id.0)], |row| Ok(read_customer(row)))
                .optional()?
                .transpose()
        })
        .await
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

    async fn open_session(&self, id: SessionId, user_id: UserId, expires_at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx, now| open_session(tx, id, user_id, expires_at, now)).await
    }

    async fn principal(&self, session: SessionId, user: UserId) -> Result<Option<Principal>, StoreError> {
        let now = self.clock().now();
        self.lookup(move |connection| principal(connection, session, user, now)).await
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        self.lookup(|connection| Ok(!connection.prepare_cached("SELECT 1 FROM users")?.exists([])?)).await
    }
}
