//! Logins for which nobody in particular signed in.

use async_trait::async_trait;
use deed_domain::{
    ids::{CustomerId, SessionId},
    ports::{Authority, PUBLIC_USER, Party, Principal, Proof, PublicLogins, StoreError},
    time::Timestamp,
};

use crate::memory::InMemoryStore;

#[async_trait]
impl PublicLogins for InMemoryStore {
    async fn open_public_session(&self, id: SessionId, expires_at: Timestamp) -> Result<(), StoreError> {
        self.held().registry.sessions.insert(id, (PUBLIC_USER, expires_at));
        Ok(())
    }

    async fn public_principal(
        &self,
        session: SessionId,
        customer_id: CustomerId,
    ) -> Result<Option<Principal>, StoreError> {
        let now = self.clock.now();
        let registry = &self.held().registry;
        let is_open = registry.sessions.get(&session).is_some_and(|(of, until)| *of == PUBLIC_USER && now < *until);
        let customer = registry.customers.get(&customer_id).filter(|customer| is_open && customer.is_public());
        let customer = customer.filter(|customer| !registry.is_gone(Party::Tenant(customer.tenant_id)));
        Ok(customer.map(|customer| Principal {
            user_id: PUBLIC_USER,
            proof: Proof::Login(session),
            authority: Authority::CustomerUser,
            tenant_id: Some(customer.tenant_id),
            customer_id: Some(customer_id),
        }))
    }
}
