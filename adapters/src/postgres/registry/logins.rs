//! Logins.

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::{SessionId, UserId},
    ports::{Authority, Logins, NewLogin, Principal, Proof, StoreError},
    time::Timestamp,
};
use uuid::Uuid;

use crate::postgres::{
    PostgresStore,
    error::SqlError,
    values::{Column, commit, execute, query_opt},
};

/// Expired logins that are deleted whenever a new one is recorded.
const FORGOTTEN_AT_ONCE: i64 = 16;

/// Records a login and forgets a few that have expired; `false` if its user may not sign in with what was checked.
///
/// The user is held meanwhile. Whoever changes what it signs in with changes the user first and ends its logins then:
/// of two at once, either this one sees the change, or the other ends this login.
async fn open_session(tx: &impl GenericClient, login: &NewLogin, now: Timestamp) -> Result<bool, SqlError> {
    let opened = execute(
        tx,
        "INSERT INTO login_sessions (id, user_id, expires_at)
         SELECT $1::uuid, id, $3::bigint FROM users
         WHERE id = $2 AND enabled AND ($4::text IS NULL OR password_hash = $4) FOR NO KEY UPDATE
         ON CONFLICT (id) DO NOTHING",
        &[&login.id.0, &login.user_id.0, &login.expires_at.0, &login.checked_hash],
    )
    .await?;
    // Who is let in without a password has not signed in.
    if opened == 1 && login.checked_hash.is_some() {
        execute(tx, "UPDATE users SET last_login = $2 WHERE id = $1", &[&login.user_id.0, &now.0]).await?;
    }
    forget_expired(tx, now).await?;
    Ok(opened == 1)
}

/// Forgets a few logins that have expired, and that nobody else is forgetting.
pub(super) async fn forget_expired(tx: &impl GenericClient, now: Timestamp) -> Result<(), SqlError> {
    execute(
        tx,
        "DELETE FROM login_sessions WHERE id = ANY(ARRAY(
             SELECT id FROM login_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2
             FOR UPDATE SKIP LOCKED))",
        &[&now.0, &FORGOTTEN_AT_ONCE],
    )
    .await
    .map(drop)
}

/// `false` if the user has no such login.
async fn extend_session(
    tx: &impl GenericClient,
    id: SessionId,
    user_id: UserId,
    expires_at: Timestamp,
) -> Result<bool, SqlError> {
    let sql = "UPDATE login_sessions SET expires_at = greatest(expires_at, $3::bigint) WHERE id = $1 AND user_id = $2";
    Ok(execute(tx, sql, &[&id.0, &user_id.0, &expires_at.0]).await? == 1)
}

async fn close_session(tx: &impl GenericClient, id: SessionId, user_id: UserId) -> Result<(), SqlError> {
    let sql = "DELETE FROM login_sessions WHERE id = $1 AND user_id = $2";
    execute(tx, sql, &[&id.0, &user_id.0]).await.map(drop)
}

/// Ends every login of the users: for whatever changes what a user signs in with, or erases it. That comes first.
pub(super) async fn end_all(tx: &impl GenericClient, users: &[Uuid]) -> Result<(), SqlError> {
    execute(tx, "DELETE FROM login_sessions WHERE user_id = ANY($1::uuid[])", &[&users]).await.map(drop)
}

/// Asked by every request: one statement, one row.
async fn principal(
    client: &impl GenericClient,
    session_id: SessionId,
    user_id: UserId,
    now: Timestamp,
) -> Result<Option<Principal>, SqlError> {
    let row = query_opt(
        client,
        "SELECT users.id, authority, users.tenant_id, users.customer_id
         FROM login_sessions JOIN users ON users.id = user_id LEFT JOIN customers ON customers.id = users.customer_id
         LEFT JOIN tenants ON tenants.id = users.tenant_id
         WHERE login_sessions.id = $1 AND user_id = $2 AND expires_at > $3
         AND enabled AND (users.customer_id IS NULL OR customers.deleting = 0)
         AND coalesce(tenants.deleting, 0) = 0",
        &[&session_id.0, &user_id.0, &now.0],
    )
    .await?;
    let Some(row) = row else { return Ok(None) };
    let column = |name, index| Column::new("users", name, index);
    Ok(Some(Principal {
        user_id,
        proof: Proof::Login(session_id),
        authority: column("authority", 1).word(&row, Authority::parse)?,
        tenant_id: column("tenant_id", 2).optional_id(&row)?,
        customer_id: column("customer_id", 3).optional_id(&row)?,
    }))
}

#[async_trait]
impl Logins for PostgresStore {
    async fn open_session(&self, login: NewLogin) -> Result<bool, StoreError> {
        let mut client = self.connection().await?;
        let (tx, now) = self.begin_unordered(&mut client).await?;
        let is_opened = open_session(&tx, &login, now).await?;
        commit(tx).await?;
        Ok(is_opened)
    }

    async fn extend_session(&self, id: SessionId, user_id: UserId, expires_at: Timestamp) -> Result<bool, StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin_unordered(&mut client).await?;
        let is_extended = extend_session(&tx, id, user_id, expires_at).await?;
        commit(tx).await?;
        Ok(is_extended)
    }

    async fn close_session(&self, id: SessionId, user_id: UserId) -> Result<(), StoreError> {
        let mut client = self.connection().await?;
        let (tx, _) = self.begin_unordered(&mut client).await?;
        close_session(&tx, id, user_id).await?;
        commit(tx).await?;
        Ok(())
    }

    async fn principal(&self, session: SessionId, user: UserId) -> Result<Option<Principal>, StoreError> {
        Ok(principal(&self.connection().await?, session, user, self.now()).await?)
    }
}
