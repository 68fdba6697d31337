//! Logins.

use async_trait::async_trait;
use deed_domain::{
    ids::{SessionId, UserId},
    ports::{Logins, NewLogin, Party, Principal, Proof, StoreError, User},
    time::Timestamp,
};

use super::Registry;
use crate::memory::InMemoryStore;

impl Registry {
    /// Ends every login of the user.
    pub(super) fn end_logins(&mut self, user_id: UserId) {
        self.sessions.retain(|_, (of, _)| *of != user_id);
    }

    /// The user, if nothing but a proof is missing for it to be let in.
    pub(super) fn who_may_sign_in(&self, user_id: UserId) -> Option<&User> {
        let (user, credentials) = self.users.get(&user_id)?;
        let has_customer = user.customer_id.is_none_or(|id| self.customers.contains_key(&id));
        let has_tenant = !user.tenant_id.is_some_and(|id| self.is_gone(Party::Tenant(id)));
        (credentials.enabled && has_customer && has_tenant).then_some(user)
    }
}

#[async_trait]
impl Logins for InMemoryStore {
    async fn open_session(&self, login: NewLogin) -> Result<bool, StoreError> {
        let NewLogin { id, user_id, expires_at, checked_hash } = login;
        let registry = &mut self.held().registry;
        let may = registry.users.get(&user_id).is_some_and(|(_, credentials)| {
            credentials.enabled && (checked_hash.is_none() || checked_hash == credentials.password_hash)
        });
        if may {
            if checked_hash.is_some() {
                registry.last_logins.insert(user_id, self.clock.now());
            }
            registry.sessions.insert(id, (user_id, expires_at));
        }
        Ok(may)
    }

    async fn extend_session(&self, id: SessionId, user_id: UserId, expires_at: Timestamp) -> Result<bool, StoreError> {
        let sessions = &mut self.held().registry.sessions;
        let found = sessions.get_mut(&id).filter(|(of, _)| *of == user_id);
        Ok(found.map(|(_, until)| *until = expires_at.max(*until)).is_some())
    }

    async fn close_session(&self, id: SessionId, user_id: UserId) -> Result<(), StoreError> {
        self.held().registry.sessions.retain(|open, (of, _)| (*open, *of) != (id, user_id));
        Ok(())
    }

    async fn principal(&self, session: SessionId, user: UserId) -> Result<Option<Principal>, StoreError> {
        let now = self.clock.now();
        let registry = &self.held().registry;
        let is_open = registry.sessions.get(&session).is_some_and(|(of, until)| *of == user && now < *until);
        let found = registry.who_may_sign_in(user).filter(|_| is_open);
        Ok(found.map(|found| Principal {
            user_id: found.id,
            proof: Proof::Login(session),
            authority: found.authority,
            tenant_id: found.tenant_id,
            customer_id: found.customer_id,
        }))
    }
}
