//! Who may sign in.

use async_trait::async_trait;
use deed_domain::{
    ids::{CustomerId, SessionId, UserId},
    ports::{
        AccountsError, Customer, Customers, Logins, Principal, Profile, StoreError, Tenant, Tenants, User,
        UserCredentials, Users,
    },
    time::Timestamp,
};

use super::Registry;
use crate::memory::InMemoryStore;

/// The form in which e-mails are compared: capitals and small letters are the same.
fn folded(email: &str) -> String {
    email.to_lowercase().to_uppercase()
}

#[async_trait]
impl Tenants for InMemoryStore {
    async fn add_tenant(&self, _tenant: Tenant, default_profile: Profile) -> Result<(), AccountsError> {
        self.held().registry.profiles.insert(default_profile.id, default_profile);
        Ok(())
    }
}

#[async_trait]
impl Customers for InMemoryStore {
    async fn add_customer(&self, customer: Customer) -> Result<(), AccountsError> {
        let customers = &mut self.held().registry.customers;
        if customers.values().any(|other| (other.tenant_id, &other.title) == (customer.tenant_id, &customer.title)) {
            return Err(AccountsError::TitleTaken);
        }
        customers.insert(customer.id, customer);
        Ok(())
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        Ok(self.held().registry.customers.get(&id).cloned())
    }
}

#[async_trait]
impl Users for InMemoryStore {
    async fn add_user(&self, user: User, credentials: UserCredentials) -> Result<(), AccountsError> {
        let users = &mut self.held().registry.users;
        if users.values().any(|(other, _)| folded(&other.email) == folded(&user.email)) {
            return Err(AccountsError::EmailTaken);
        }
        users.insert(user.id, (user, credentials));
        Ok(())
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.held().registry.users.get(&id).map(|(user, _)| user.clone()))
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<(User, UserCredentials)>, StoreError> {
        let held = self.held();
        Ok(held.registry.users.values().find(|(user, _)| folded(&user.email) == folded(email)).cloned())
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.held().registry.users.is_empty())
    }
}

#[async_trait]
impl Logins for InMemoryStore {
    async fn open_session(&self, id: SessionId, user_id: UserId, expires_at: Timestamp) -> Result<(), StoreError> {
        let sessions = &mut self.held().registry.sessions;
        let (of, until) = sessions.entry(id).or_insert((user_id, expires_at));
        if *of == user_id {
            *until = expires_at.max(*until);
        }
        Ok(())
    }

    async fn principal(&self, session: SessionId, user: UserId) -> Result<Option<Principal>, StoreError> {
        let now = self.clock.now();
        let Registry { sessions, users, customers, .. } = &self.held().registry;
        let is_open = sessions.get(&session).is_some_and(|(of, until)| *of == user && now < *until);
        let found = users.get(&user).filter(|(_, credentials)| is_open && credentials.enabled).map(|(user, _)| user);
        let found = found.filter(|user| user.customer_id.is_none_or(|id| customers.contains_key(&id)));
        Ok(found.map(|found| Principal {
            user_id: found.id,
            session_id: session,
            authority: found.authority,
            tenant_id: found.tenant_id,
            customer_id: found.customer_id,
        }))
    }
}
