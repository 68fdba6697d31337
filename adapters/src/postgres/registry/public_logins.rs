//! Logins for which nobody in particular signed in. They stand among the others, as those of [`PUBLIC_USER`].

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use deed_domain::{
    ids::{CustomerId, SessionId},
    ports::{Authority, PUBLIC_CUSTOMER, PUBLIC_USER, Principal, Proof, PublicLogins, StoreError},
    time::Timestamp,
};

use super::logins;
use crate::postgres::{
    PostgresStore,
    error::SqlError,
    values::{Column, commit, execute, query_opt},
};

async fn principal(
    client: &impl GenericClient,
    session_id: SessionId,
    customer_id: CustomerId,
    now: Timestamp,
) -> Result<Option<Principal>, SqlError> {
    let row = query_opt(
        client,
        "SELECT customers.id, customers.tenant_id FROM login_sessions CROSS JOIN customers
         LEFT JOIN tenants ON tenants.id = customers.tenant_id
         WHERE login_sessions.id = $1 AND user_id = $2 AND expires_at > $3 AND customers.id = $4
         AND customers.title = $5 AND customers.deleting = 0 AND coalesce(tenants.deleting, 0) = 0",
        &[&session_id.0, &PUBLIC_USER.0, &now.0, &customer_id.0, &PUBLIC_CUSTOMER],
    )
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Principal {
        user_id: PUBLIC_USER,
        proof: Proof::Login(session_id),
        authority: Authority::CustomerUser,
        tenant_id: Some(Column::new("customers", "tenant_id", 1).id(&row)?),
        customer_id: Some(customer_id),
    }))
}

#[async_trait]
impl PublicLogins for PostgresStore {
    async fn open_public_session(&self, id: SessionId, expires_at: Timestamp) -> Result<(), StoreError> {
        let mut client = self.connection().await?;
        let (tx, now) = self.begin_unordered(&mut client).await?;
        let sql = "INSERT INTO login_sessions (id, user_id, expires_at) VALUES ($1, $2, $3)";
        execute(&tx, sql, &[&id.0, &PUBLIC_USER.0, &expires_at.0]).await?;
        logins::forget_expired(&tx, now).await?;
        commit(tx).await?;
        Ok(())
    }

    async fn public_principal(
        &self,
        session: SessionId,
        customer_id: CustomerId,
    ) -> Result<Option<Principal>, StoreError> {
        Ok(principal(&self.connection().await?, session, customer_id, self.now()).await?)
    }
}
