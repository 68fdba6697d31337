//! Customers and tenants that are going, or are gone.

use std::collections::{BTreeMap, BTreeSet};

use deed_domain::{
    ids::{CustomerId, TenantId, UserId},
    ports::{Entity, Party, User},
};

use super::Registry;

/// Who is being deleted, and who is gone, for ever.
#[derive(Default)]
pub(super) struct Departures {
    pub(super) customers: BTreeMap<CustomerId, TenantId>,
    pub(super) tenants: BTreeSet<TenantId>,
    gone_customers: BTreeSet<CustomerId>,
    gone_tenants: BTreeSet<TenantId>,
}

impl Registry {
    pub(in crate::memory) fn is_gone(&self, party: Party) -> bool {
        let Departures { customers, tenants, gone_customers, gone_tenants } = &self.departures;
        match party {
            Party::Tenant(id) => tenants.contains(&id) || gone_tenants.contains(&id),
            Party::Customer(id) => customers.contains_key(&id) || gone_customers.contains(&id),
        }
    }

    pub(super) fn erase_customer(&mut self, id: CustomerId) {
        if self.departures.customers.remove(&id).is_some() {
            self.departures.gone_customers.insert(id);
            self.erase_users(|user| user.customer_id == Some(id));
            self.erase_attributes(Entity::Customer(id));
        }
    }

    pub(super) fn erase_tenant(&mut self, id: TenantId) {
        if !self.departures.tenants.remove(&id) {
            return;
        }
        self.departures.gone_tenants.insert(id);
        let customers: Vec<CustomerId> =
            self.customers.values().filter(|customer| customer.tenant_id == id).map(|customer| customer.id).collect();
        for customer in customers {
            self.customers.remove(&customer);
            self.departures.customers.insert(customer, id);
            self.erase_customer(customer);
        }
        self.erase_users(|user| user.tenant_id == Some(id));
        self.erase_attributes(Entity::Tenant(id));
        self.profiles.retain(|_, profile| profile.tenant_id != id);
    }

    fn erase_users(&mut self, is_erased: impl Fn(&User) -> bool) {
        let users: Vec<UserId> =
            self.users.values().filter(|(user, _)| is_erased(user)).map(|(user, _)| user.id).collect();
        for id in users {
            self.erase_user(id);
        }
    }

    pub(super) fn erase_user(&mut self, id: UserId) -> bool {
        self.end_logins(id);
        self.api_keys.retain(|_, (key, _)| key.user_id != id);
        self.links.retain(|(of, _), _| *of != id);
        self.last_logins.remove(&id);
        self.erase_attributes(Entity::User(id));
        self.users.remove(&id).is_some()
    }

    fn erase_attributes(&mut self, entity: Entity) {
        self.attributes.retain(|(of, _)| *of != entity);
    }
}
