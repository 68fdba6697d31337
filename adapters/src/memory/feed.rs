//! The log in order.

use async_trait::async_trait;
use deed_domain::{
    ids::{DeviceId, Position},
    ports::{Feed, Page, RecordedEvent, Scope, StoreError, Subscription},
    time::Timestamp,
};
use tokio::sync::watch;

use super::InMemoryStore;

#[async_trait]
impl Feed for InMemoryStore {
    async fn read_after(&self, scope: Scope, after: Position, limit: usize) -> Result<Page, StoreError> {
        Ok(self.held().log.page(scope, after, limit))
    }

    async fn head(&self) -> Result<Position, StoreError> {
        Ok(self.held().log.head())
    }

    async fn position_before(&self, time: Timestamp) -> Result<Position, StoreError> {
        Ok(self.held().log.position_before(time))
    }

    async fn last_of_each(&self, devices: &[DeviceId], event_types: &[&str]) -> Result<Vec<RecordedEvent>, StoreError> {
        let held = self.held();
        Ok(devices.iter().filter_map(|id| held.log.last_of(*id, event_types)).cloned().collect())
    }

    fn subscribe(&self, scope: Scope, after: Position) -> Box<dyn Subscription> {
        Box::new(Follower { head: self.head.subscribe(), store: self.clone(), scope, after })
    }
}

struct Follower {
    head: watch::Receiver<Position>,
    store: InMemoryStore,
    scope: Scope,
    after: Position,
}

#[async_trait]
impl Subscription for Follower {
    async fn next(&mut self) -> Result<Page, StoreError> {
        loop {
            // Marked before reading: what is appended meanwhile is noticed the next time round.
            self.head.mark_unchanged();
            let page = self.store.held().log.page(self.scope, self.after, usize::MAX);
            self.after = page.read_up_to;
            if !page.events.is_empty() {
                return Ok(page);
            }
            // The store keeps the other end, and this keeps the store.
            let _ = self.head.changed().await;
        }
    }
}
