//! What people and customers are called, where the registry still knows them.

use std::collections::HashMap;

use deed_adapters::Store;
use deed_domain::{
    ids::{CustomerId, UserId},
    metadata::Actor,
    ports::StoreError,
};
use uuid::Uuid;

/// Looks names up once. The log holds ids only; the names are today's.
pub(super) struct Names<'a> {
    store: &'a dyn Store,
    known: HashMap<Uuid, String>,
}

impl<'a> Names<'a> {
    /// Names from this store's registry.
    pub(super) fn new(store: &'a dyn Store) -> Self {
        Self { store, known: HashMap::new() }
    }

    /// The customer's title, or else its id.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    pub(super) async fn customer(&mut self, id: CustomerId) -> Result<String, StoreError> {
        if let Some(name) = self.known.get(&id.0) {
            return Ok(name.clone());
        }
        let found = self.store.customer(id).await?;
        let name = found.map_or_else(|| format!("customer {id}"), |customer| customer.title);
        self.known.insert(id.0, name.clone());
        Ok(name)
    }

    /// The user's e-mail, or else the id.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    pub(super) async fn user(&mut self, id: UserId) -> Result<String, StoreError> {
        if let Some(name) = self.known.get(&id.0) {
            return Ok(name.clone());
        }
        let found = self.store.user(id).await?;
        let name = found.map_or_else(|| format!("user {id}"), |user| user.email);
        self.known.insert(id.0, name.clone());
        Ok(name)
    }

    /// Who acted.
    ///
    /// # Errors
    /// [`StoreError`] if the registry cannot be read.
    pub(super) async fn actor(&mut self, actor: Actor) -> Result<String, StoreError> {
        Ok(match actor {
            Actor::User(id) => self.user(id).await?,
            Actor::Device(_) => "the device".into(),
            Actor::Gateway(id) => format!("gateway {id}"),
            Actor::System => "the service".into(),
        })
    }
}
