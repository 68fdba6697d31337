//! Plain attributes.

use async_trait::async_trait;
use deed_domain::{
    ids::DeviceId,
    ports::{Attribute, AttributeScope, Attributes, Entity, RegistryWrite, StoreError},
};
use serde_json::Value;

use crate::memory::InMemoryStore;

#[async_trait]
impl Attributes for InMemoryStore {
    async fn of(&self, entity: Entity, scope: Option<AttributeScope>) -> Result<Vec<Attribute>, StoreError> {
        let held = self.held();
        let of_entity = held.registry.attributes.iter().filter(|(of, _)| *of == entity).map(|(_, attribute)| attribute);
        let in_scope = of_entity.filter(|attribute| scope.is_none_or(|scope| attribute.scope == scope));
        let mut attributes: Vec<_> = in_scope.cloned().collect();
        attributes.sort_by(|a, b| (&a.key, a.scope.as_str()).cmp(&(&b.key, b.scope.as_str())));
        Ok(attributes)
    }

    async fn put(&self, entity: Entity, scope: AttributeScope, put: Vec<(String, Value)>) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.held().registry.write(RegistryWrite::PutAttributes(entity, scope, put), now);
        Ok(())
    }

    async fn delete(&self, entity: Entity, scope: AttributeScope, keys: Vec<String>) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.held().registry.write(RegistryWrite::DeleteAttributes(entity, scope, keys), now);
        Ok(())
    }

    async fn additional_info(&self, device_id: DeviceId) -> Result<Option<Value>, StoreError> {
        Ok(self.held().registry.additional_info.get(&device_id).cloned())
    }
}
