//! Tenants.

use async_trait::async_trait;
use deed_domain::{
    ids::TenantId,
    ports::{AccountSort, AccountsError, ListPage, PageRequest, Profile, StoreError, Tenant, TenantValues, Tenants},
};

use super::{accounts::folded, customers::page_of};
use crate::memory::InMemoryStore;

#[async_trait]
impl Tenants for InMemoryStore {
    async fn add_tenant(&self, tenant: Tenant, default_profile: Profile) -> Result<(), AccountsError> {
        let registry = &mut self.held().registry;
        registry.profiles.insert(default_profile.id, default_profile);
        registry.tenants.insert(tenant.id, tenant);
        Ok(())
    }

    async fn save_tenant(
        &self,
        id: TenantId,
        expected_version: Option<u32>,
        values: TenantValues,
    ) -> Result<Tenant, AccountsError> {
        let tenants = &mut self.held().registry.tenants;
        let stored = tenants.get(&id).cloned().ok_or(AccountsError::NotFound)?;
        if expected_version.is_some_and(|expected| expected != stored.version) {
            return Err(AccountsError::VersionConflict);
        }
        let TenantValues { title, region, contact, additional_info } = values;
        let saved = Tenant { title, region, contact, additional_info, version: stored.version + 1, ..stored };
        tenants.insert(id, saved.clone());
        Ok(saved)
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        Ok(self.held().registry.tenants.get(&id).cloned())
    }

    async fn tenants(&self, page: PageRequest<AccountSort>) -> Result<ListPage<Tenant>, StoreError> {
        let wanted = folded(page.text_search.as_deref().unwrap_or_default());
        let held = self.held();
        let rows =
            held.registry.tenants.values().filter(|tenant| folded(&tenant.title).contains(&wanted)).cloned().collect();
        Ok(page_of(rows, &page, |a, b, sort| match sort {
            AccountSort::Creation => (a.created_at, a.id).cmp(&(b.created_at, b.id)),
            AccountSort::Title => a.title.cmp(&b.title),
            AccountSort::Contact(field) => a.contact.field(field).cmp(&b.contact.field(field)),
        }))
    }

    async fn mark_tenant(&self, id: TenantId) -> Result<bool, StoreError> {
        let registry = &mut self.held().registry;
        Ok(registry.tenants.remove(&id).is_some() && registry.departures.tenants.insert(id))
    }

    async fn marked_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        Ok(self.held().registry.departures.tenants.iter().copied().collect())
    }

    async fn erase_tenant(&self, id: TenantId) -> Result<(), StoreError> {
        self.held().registry.erase_tenant(id);
        Ok(())
    }
}
