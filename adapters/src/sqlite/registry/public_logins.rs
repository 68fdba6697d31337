//! Logins for which nobody in particular signed in. They stand among the others, as those of [`PUBLIC_USER`].

use async_trait::async_trait;
use deed_domain::{
    ids::{CustomerId, SessionId},
    ports::{Authority, PUBLIC_CUSTOMER, PUBLIC_USER, Principal, Proof, PublicLogins, StoreError},
    time::Timestamp,
};
use rusqlite::{Connection, params};

use super::logins;
use crate::sqlite::{
    SqliteStore,
    error::SqlError,
    values::{Column, IdText},
};

fn principal(
    connection: &Connection,
    session_id: SessionId,
    customer_id: CustomerId,
    now: Timestamp,
) -> Result<Option<Principal>, SqlError> {
    let mut statement = connection.prepare_cached(
        "SELECT customers.id, customers.tenant_id FROM login_sessions, customers
         LEFT JOIN tenants ON tenants.id = customers.tenant_id
         WHERE login_sessions.id = ?1 AND user_id = ?2 AND expires_at > ?3 AND customers.id = ?4 AND customers.title = ?5
         AND customers.deleting = 0 AND ifnull(tenants.deleting, 0) = 0",
    )?;
    let (session, user, customer) = (IdText::new(session_id.0), IdText::new(PUBLIC_USER.0), IdText::new(customer_id.0));
    let mut rows = statement.query(params![session, user, now.0, customer, PUBLIC_CUSTOMER])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Principal {
        user_id: PUBLIC_USER,
        proof: Proof::Login(session_id),
        authority: Authority::CustomerUser,
        tenant_id: Some(Column::new("customers", "tenant_id", 1).id(row)?),
        customer_id: Some(customer_id),
    }))
}

#[async_trait]
impl PublicLogins for SqliteStore {
    async fn open_public_session(&self, id: SessionId, expires_at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx, now| {
            tx.prepare_cached("INSERT INTO login_sessions (id, user_id, expires_at) VALUES (?1, ?2, ?3)")?
                .execute(params![IdText::new(id.0), IdText::new(PUBLIC_USER.0), expires_at.0])?;
            logins::forget_expired(tx, now)
        })
        .await
    }

    async fn public_principal(
        &self,
        session: SessionId,
        customer_id: CustomerId,
    ) -> Result<Option<Principal>, StoreError> {
        let now = self.clock().now();
        self.lookup(move |connection| principal(connection, session, customer_id, now)).await
    }
}
