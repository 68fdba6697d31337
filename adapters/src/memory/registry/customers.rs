//! Customers.

use async_trait::async_trait;
use deed_domain::{
    ids::{CustomerId, TenantId},
    ports::{
        AccountSort, AccountsError, Customer, CustomerValues, Customers, ListPage, PUBLIC_CUSTOMER, PageRequest, Party,
        StoreError,
    },
};

use super::{Registry, accounts::folded};
use crate::memory::InMemoryStore;

impl Registry {
    fn customer_titled(&self, tenant_id: TenantId, title: &str) -> Option<&Customer> {
        self.customers.values().find(|customer| customer.tenant_id == tenant_id && customer.title == title)
    }
}

/// The page of rows, each of which has been searched already.
pub(super) fn page_of<T: Clone>(
    mut rows: Vec<T>,
    page: &PageRequest<AccountSort>,
    compare: impl Fn(&T, &T, AccountSort) -> std::cmp::Ordering,
) -> ListPage<T> {
    // Equal rows stay in order of creation.
    rows.sort_by(|a, b| compare(a, b, AccountSort::Creation));
    rows.sort_by(|a, b| {
        let ascending = compare(a, b, page.sort);
        if page.descending { ascending.reverse() } else { ascending }
    });
    let total = rows.len() as u64;
    let first = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    ListPage { rows: rows.into_iter().skip(first).take(page.page_size as usize).collect(), total }
}

#[async_trait]
impl Customers for InMemoryStore {
    async fn add_customer(&self, customer: Customer) -> Result<(), AccountsError> {
        let registry = &mut self.held().registry;
        if registry.is_gone(Party::Tenant(customer.tenant_id)) {
            return Err(AccountsError::NotFound);
        }
        if registry.customer_titled(customer.tenant_id, &customer.title).is_some() {
            return Err(AccountsError::TitleTaken);
        }
        registry.customers.insert(customer.id, customer);
        Ok(())
    }

    async fn save_customer(
        &self,
        id: CustomerId,
        expected_version: Option<u32>,
        values: CustomerValues,
    ) -> Result<Customer, AccountsError> {
        let registry = &mut self.held().registry;
        let stored = registry.customers.get(&id).cloned().ok_or(AccountsError::NotFound)?;
        if expected_version.is_some_and(|expected| expected != stored.version) {
            return Err(AccountsError::VersionConflict);
        }
        if registry.customer_titled(stored.tenant_id, &values.title).is_some_and(|other| other.id != id) {
            return Err(AccountsError::TitleTaken);
        }
        let CustomerValues { title, contact, additional_info } = values;
        let saved = Customer { title, contact, additional_info, version: stored.version + 1, ..stored };
        registry.customers.insert(id, saved.clone());
        Ok(saved)
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        Ok(self.held().registry.customers.get(&id).cloned())
    }

    async fn customer_titled(&self, tenant_id: TenantId, title: &str) -> Result<Option<Customer>, StoreError> {
        Ok(self.held().registry.customer_titled(tenant_id, title).cloned())
    }

    async fn customers(
        &self,
        tenant_id: TenantId,
        page: PageRequest<AccountSort>,
    ) -> Result<ListPage<Customer>, StoreError> {
        let wanted = folded(page.text_search.as_deref().unwrap_or_default());
        let held = self.held();
        let of_tenant = held.registry.customers.values().filter(|customer| customer.tenant_id == tenant_id);
        let rows = of_tenant.filter(|customer| folded(&customer.title).contains(&wanted)).cloned().collect();
        Ok(page_of(rows, &page, |a, b, sort| match sort {
            AccountSort::Creation => (a.created_at, a.id).cmp(&(b.created_at, b.id)),
            AccountSort::Title => a.title.cmp(&b.title),
            AccountSort::Contact(field) => a.contact.field(field).cmp(&b.contact.field(field)),
        }))
    }

    async fn public_customer(&self, tenant_id: TenantId, new_id: CustomerId) -> Result<Customer, StoreError> {
        let mut held = self.held();
        if let Some(found) = held.registry.customer_titled(tenant_id, PUBLIC_CUSTOMER) {
            return Ok(found.clone());
        }
        let added = Customer::public(new_id, tenant_id, held.log.now(self.clock.now()));
        held.registry.customers.insert(new_id, added.clone());
        Ok(added)
    }

    async fn mark_customer(&self, id: CustomerId) -> Result<bool, StoreError> {
        let registry = &mut self.held().registry;
        let marked = registry.customers.remove(&id);
        Ok(marked.is_some_and(|marked| registry.departures.customers.insert(id, marked.tenant_id).is_none()))
    }

    async fn marked_customers(&self) -> Result<Vec<(TenantId, CustomerId)>, StoreError> {
        let held = self.held();
        Ok(held.registry.departures.customers.iter().map(|(id, tenant_id)| (*tenant_id, *id)).collect())
    }

    async fn erase_customer(&self, id: CustomerId) -> Result<(), StoreError> {
        self.held().registry.erase_customer(id);
        Ok(())
    }
}
