//! Logins.

use async_trait::async_trait;
use deed_domain::{
    ids::{SessionId, UserId},
    ports::{Authority, Logins, Principal, StoreError},
    time::Timestamp,
};
use rusqlite::{Connection, params};

use crate::sqlite::{
    SqliteStore,
    error::SqlError,
    values::{Column, IdText},
};

/// Expired logins that are deleted whenever a new one is recorded.
const FORGOTTEN_AT_ONCE: u32 = 16;

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
impl Logins for SqliteStore {
    async fn open_session(&self, id: SessionId, user_id: UserId, expires_at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx, now| open_session(tx, id, user_id, expires_at, now)).await
    }

    async fn principal(&self, session: SessionId, user: UserId) -> Result<Option<Principal>, StoreError> {
        let now = self.clock().now();
        self.lookup(move |connection| principal(connection, session, user, now)).await
    }
}
