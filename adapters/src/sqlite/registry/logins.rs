//! Logins.

use async_trait::async_trait;
use deed_domain::{
    ids::{SessionId, UserId},
    ports::{Authority, Logins, NewLogin, Principal, Proof, StoreError},
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

/// Records a login and forgets a few that have expired; `false` if its user may not sign in with what was checked.
fn open_session(tx: &Connection, login: &NewLogin, now: Timestamp) -> Result<bool, SqlError> {
    let opened = tx
        .prepare_cached(
            "INSERT INTO login_sessions (id, user_id, expires_at)
             SELECT ?1, id, ?3 FROM users WHERE id = ?2 AND enabled = 1 AND (?4 IS NULL OR password_hash = ?4)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            IdText::new(login.id.0),
            IdText::new(login.user_id.0),
            login.expires_at.0,
            login.checked_hash,
        ])?;
    // Who is let in without a password has not signed in.
    if opened == 1 && login.checked_hash.is_some() {
        tx.prepare_cached("UPDATE users SET last_login = ?2 WHERE id = ?1")?
            .execute(params![IdText::new(login.user_id.0), now.0])?;
    }
    forget_expired(tx, now)?;
    Ok(opened == 1)
}

/// Forgets a few logins that have expired.
pub(super) fn forget_expired(tx: &Connection, now: Timestamp) -> Result<(), SqlError> {
    tx.prepare_cached(
        "DELETE FROM login_sessions WHERE id IN
         (SELECT id FROM login_sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
    )?
    .execute(params![now.0, FORGOTTEN_AT_ONCE])?;
    Ok(())
}

/// `false` if the user has no such login.
fn extend_session(tx: &Connection, id: SessionId, user_id: UserId, expires_at: Timestamp) -> Result<bool, SqlError> {
    let extended = tx
        .prepare_cached("UPDATE login_sessions SET expires_at = max(expires_at, ?3) WHERE id = ?1 AND user_id = ?2")?
        .execute(params![IdText::new(id.0), IdText::new(user_id.0), expires_at.0])?;
    Ok(extended == 1)
}

fn close_session(tx: &Connection, id: SessionId, user_id: UserId) -> Result<(), SqlError> {
    tx.prepare_cached("DELETE FROM login_sessions WHERE id = ?1 AND user_id = ?2")?
        .execute(params![IdText::new(id.0), IdText::new(user_id.0)])?;
    Ok(())
}

/// Ends every login of the user: for whatever changes what the user signs in with, or erases the user.
pub(super) fn end_all(tx: &Connection, user_id: UserId) -> Result<(), SqlError> {
    tx.prepare_cached("DELETE FROM login_sessions WHERE user_id = ?1")?.execute([IdText::new(user_id.0)])?;
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
         LEFT JOIN tenants ON tenants.id = users.tenant_id
         WHERE login_sessions.id = ?1 AND user_id = ?2 AND expires_at > ?3
         AND enabled = 1 AND (users.customer_id IS NULL OR customers.deleting = 0)
         AND ifnull(tenants.deleting, 0) = 0",
    )?;
    let mut rows = statement.query(params![IdText::new(session_id.0), IdText::new(user_id.0), now.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let column = |name, index| Column::new("users", name, index);
    Ok(Some(Principal {
        user_id,
        proof: Proof::Login(session_id),
        authority: column("authority", 1).word(row, Authority::parse)?,
        tenant_id: column("tenant_id", 2).optional_id(row)?,
        customer_id: column("customer_id", 3).optional_id(row)?,
    }))
}

#[async_trait]
impl Logins for SqliteStore {
    async fn open_session(&self, login: NewLogin) -> Result<bool, StoreError> {
        self.write(move |tx, now| open_session(tx, &login, now)).await
    }

    async fn extend_session(&self, id: SessionId, user_id: UserId, expires_at: Timestamp) -> Result<bool, StoreError> {
        self.write(move |tx, _| extend_session(tx, id, user_id, expires_at)).await
    }

    async fn close_session(&self, id: SessionId, user_id: UserId) -> Result<(), StoreError> {
        self.write(move |tx, _| close_session(tx, id, user_id)).await
    }

    async fn principal(&self, session: SessionId, user: UserId) -> Result<Option<Principal>, StoreError> {
        let now = self.clock().now();
        self.lookup(move |connection| principal(connection, session, user, now)).await
    }
}
