//! Tenants, customers and users.

use async_trait::async_trait;
use deed_domain::{
    ids::{CustomerId, UserId},
    ports::{AccountsError, Customer, Customers, Profile, StoreError, Tenant, Tenants, User, UserCredentials, Users},
};

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

    async fn set_password(&self, user_id: UserId, password_hash: String) -> Result<bool, StoreError> {
        let registry = &mut self.held().registry;
        registry.end_logins(user_id);
        let found = registry.users.get_mut(&user_id);
        Ok(found.map(|(_, credentials)| credentials.password_hash = Some(password_hash)).is_some())
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.held().registry.users.is_empty())
    }
}
