//! Users.

use std::collections::HashMap;

use async_trait::async_trait;
use deed_domain::{
    ids::UserId,
    ports::{
        Account, AccountChange, AccountsError, Authority, LastOne, LinkPurpose, ListPage, ListedUser, PageRequest,
        Party, StoreError, User, UserCredentials, UserSort, Users, UsersOf, fold_case,
    },
};

use super::Registry;
use crate::memory::InMemoryStore;

/// The form in which e-mails are compared: capitals and small letters are the same.
pub(super) fn folded(email: &str) -> String {
    fold_case(email)
}

impl Registry {
    /// Whether the user may sign in, and no other of its authority and tenant.
    fn is_last_one(&self, id: UserId) -> bool {
        let Some((one, UserCredentials { enabled: true, .. })) = self.users.get(&id) else { return false };
        let is_another = |(other, credentials): &(User, UserCredentials)| {
            let same = (other.authority, other.tenant_id) == (one.authority, one.tenant_id);
            other.id != id && same && credentials.enabled
        };
        !self.users.values().any(is_another)
    }
}

#[async_trait]
impl Users for InMemoryStore {
    async fn add_user(&self, user: User, credentials: UserCredentials) -> Result<(), AccountsError> {
        let registry = &mut self.held().registry;
        let of_tenant = user.tenant_id.map(Party::Tenant);
        if of_tenant.into_iter().chain(user.customer_id.map(Party::Customer)).any(|party| registry.is_gone(party)) {
            return Err(AccountsError::NotFound);
        }
        let users = &mut registry.users;
        if users.values().any(|(other, _)| folded(&other.email) == folded(&user.email)) {
            return Err(AccountsError::EmailTaken);
        }
        users.insert(user.id, (user, credentials));
        Ok(())
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.held().registry.users.get(&id).map(|(user, _)| user.clone()))
    }

    async fn emails(&self, ids: &[UserId]) -> Result<HashMap<UserId, String>, StoreError> {
        let held = self.held();
        let email = |id: &UserId| Some((*id, held.registry.users.get(id)?.0.email.clone()));
        Ok(ids.iter().filter_map(email).collect())
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<(User, UserCredentials)>, StoreError> {
        let held = self.held();
        Ok(held.registry.users.values().find(|(user, _)| folded(&user.email) == folded(email)).cloned())
    }

    async fn set_password(
        &self,
        user_id: UserId,
        checked_hash: Option<String>,
        password_hash: String,
    ) -> Result<bool, StoreError> {
        let registry = &mut self.held().registry;
        let found = registry.users.get_mut(&user_id);
        let Some((_, credentials)) = found.filter(|(_, credentials)| credentials.password_hash == checked_hash) else {
            return Ok(false);
        };
        credentials.password_hash = Some(password_hash);
        registry.end_logins(user_id);
        registry.links.remove(&(user_id, LinkPurpose::PasswordReset));
        Ok(true)
    }

    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        let registry = &self.held().registry;
        Ok(registry.users.get(&id).map(|(_, credentials)| Account {
            is_enabled: credentials.enabled,
            is_activated: credentials.password_hash.is_some(),
            last_login: registry.last_logins.get(&id).copied(),
        }))
    }

    async fn users(&self, of: UsersOf, page: PageRequest<UserSort>) -> Result<ListPage<ListedUser>, StoreError> {
        let registry = &self.held().registry;
        let is_of = |user: &&User| match of {
            UsersOf::Tenant(id) => user.tenant_id == Some(id),
            UsersOf::TenantAlone(id) => user.tenant_id == Some(id) && user.customer_id.is_none(),
            UsersOf::Customer(id) => user.customer_id == Some(id),
        };
        let wanted = page.text_search.as_deref().map(folded);
        let is_found = |user: &&User| {
            let texts = [Some(&user.email), user.first_name.as_ref(), user.last_name.as_ref()];
            wanted.as_ref().is_none_or(|wanted| texts.into_iter().flatten().any(|text| folded(text).contains(wanted)))
        };
        let users = registry.users.values().map(|(user, _)| user);
        let mut found: Vec<_> =
            users.filter(|user| user.authority != Authority::Auditor).filter(is_of).filter(is_found).collect();
        found.sort_by(|a, b| {
            let order = match page.sort {
                UserSort::Creation => (a.created_at, a.id).cmp(&(b.created_at, b.id)),
                UserSort::Email => folded(&a.email).cmp(&folded(&b.email)),
                UserSort::FirstName => a.first_name.cmp(&b.first_name),
                UserSort::LastName => a.last_name.cmp(&b.last_name),
                UserSort::Authority => a.authority.as_str().cmp(b.authority.as_str()),
            };
            let order = if page.descending { order.reverse() } else { order };
            order.then_with(|| (a.created_at, a.id).cmp(&(b.created_at, b.id)))
        });
        let total = found.len() as u64;
        let title = |user: &User| Some(registry.customers.get(&user.customer_id?)?.title.clone());
        let rows = found.into_iter().skip(page.offset() as usize).take(page.page_size as usize);
        let rows = rows.map(|user| ListedUser { user: user.clone(), customer_title: title(user) }).collect();
        Ok(ListPage { rows, total })
    }

    async fn save_user(&self, user: User, expected: Option<u32>) -> Result<User, AccountsError> {
        let registry = &mut self.held().registry;
        let users = &mut registry.users;
        let is_taken =
            users.values().any(|(other, _)| other.id != user.id && folded(&other.email) == folded(&user.email));
        let (stored, _) = users.get_mut(&user.id).ok_or(AccountsError::NotFound)?;
        if expected.is_some_and(|version| version != stored.version) {
            return Err(AccountsError::VersionConflict);
        }
        if is_taken {
            return Err(AccountsError::EmailTaken);
        }
        if folded(&stored.email) != folded(&user.email) {
            registry.links.retain(|(of, _), _| *of != user.id);
        }
        *stored = User {
            email: user.email,
            first_name: user.first_name,
            last_name: user.last_name,
            phone: user.phone,
            additional_info: user.additional_info,
            version: stored.version + 1,
            ..stored.clone()
        };
        Ok(stored.clone())
    }

    async fn set_enabled(&self, id: UserId, enabled: bool, last: LastOne) -> Result<AccountChange, StoreError> {
        let registry = &mut self.held().registry;
        if !enabled && last == LastOne::Stays && registry.is_last_one(id) {
            return Ok(AccountChange::LastOne);
        }
        let Some((_, credentials)) = registry.users.get_mut(&id) else { return Ok(AccountChange::Impossible) };
        if enabled && credentials.password_hash.is_none() {
            return Ok(AccountChange::Impossible);
        }
        credentials.enabled = enabled;
        if !enabled {
            registry.end_logins(id);
            registry.links.remove(&(id, LinkPurpose::PasswordReset));
        }
        Ok(AccountChange::Made)
    }

    async fn delete_user(&self, id: UserId, last: LastOne) -> Result<AccountChange, StoreError> {
        let registry = &mut self.held().registry;
        if last == LastOne::Stays && registry.is_last_one(id) {
            return Ok(AccountChange::LastOne);
        }
        Ok(if registry.erase_user(id) { AccountChange::Made } else { AccountChange::Impossible })
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.held().registry.users.is_empty())
    }
}
