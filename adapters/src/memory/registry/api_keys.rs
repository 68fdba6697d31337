//! API keys.

use std::cmp::Ordering;

use async_trait::async_trait;
use deed_domain::{
    ids::{ApiKeyId, UserId},
    ports::{
        ApiKey, ApiKeySort, ApiKeyValue, ApiKeys, KeyRefused, ListPage, PageRequest, Principal, Proof, StoreError,
        contains_folded, fold_case,
    },
};

use crate::memory::InMemoryStore;

fn compare(by: ApiKeySort, a: &ApiKey, b: &ApiKey) -> Ordering {
    match by {
        ApiKeySort::Creation => a.created_at.cmp(&b.created_at),
        ApiKeySort::Description => a.description.cmp(&b.description),
        ApiKeySort::Expiry => a.expires_at.cmp(&b.expires_at),
        ApiKeySort::Enabled => a.enabled.cmp(&b.enabled),
    }
}

#[async_trait]
impl ApiKeys for InMemoryStore {
    async fn add_api_key(&self, key: ApiKey, value: ApiKeyValue) -> Result<bool, StoreError> {
        let registry = &mut self.held().registry;
        let is_there = registry.users.contains_key(&key.user_id);
        if is_there {
            registry.api_keys.insert(key.id, (key, value.expose().to_owned()));
        }
        Ok(is_there)
    }

    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.held().registry.api_keys.get(&id).map(|(key, _)| key.clone()))
    }

    async fn api_keys_of(
        &self,
        user_id: UserId,
        page: PageRequest<ApiKeySort>,
    ) -> Result<ListPage<ApiKey>, StoreError> {
        let held = self.held();
        let text = page.text_search.as_deref().map(fold_case);
        let found = |key: &&ApiKey| text.as_ref().is_none_or(|text| contains_folded(&key.description, text));
        let of_user = held.registry.api_keys.values().map(|(key, _)| key).filter(|key| key.user_id == user_id);
        let mut keys: Vec<ApiKey> = of_user.filter(found).cloned().collect();
        keys.sort_by(|a, b| {
            let order = compare(page.sort, a, b);
            let order = if page.descending { order.reverse() } else { order };
            order.then(a.created_at.cmp(&b.created_at)).then(a.id.cmp(&b.id))
        });
        let total = keys.len() as u64;
        let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        Ok(ListPage { rows: keys.into_iter().skip(skipped).take(page.page_size as usize).collect(), total })
    }

    async fn save_api_key(&self, key: ApiKey) -> Result<bool, StoreError> {
        let keys = &mut self.held().registry.api_keys;
        let found = keys.get_mut(&key.id);
        Ok(found
            .map(|(stored, _)| {
                stored.description = key.description;
                stored.enabled = key.enabled;
            })
            .is_some())
    }

    async fn delete_api_key(&self, id: ApiKeyId) -> Result<(), StoreError> {
        self.held().registry.api_keys.remove(&id);
        Ok(())
    }

    async fn principal_of_key(&self, value: &ApiKeyValue) -> Result<Result<Principal, KeyRefused>, StoreError> {
        let now = self.clock.now();
        let registry = &self.held().registry;
        let found = registry.api_keys.values().find(|(_, text)| text == value.expose());
        let Some((key, _)) = found.filter(|(key, _)| registry.users.contains_key(&key.user_id)) else {
            return Ok(Err(KeyRefused::Unknown));
        };
        if key.is_expired_at(now) {
            return Ok(Err(KeyRefused::Expired));
        }
        let user = registry.who_may_sign_in(key.user_id).filter(|_| key.enabled);
        Ok(user.ok_or(KeyRefused::Disabled).map(|user| Principal {
            user_id: user.id,
            proof: Proof::ApiKey(key.id),
            authority: user.authority,
            tenant_id: user.tenant_id,
            customer_id: user.customer_id,
        }))
    }
}
