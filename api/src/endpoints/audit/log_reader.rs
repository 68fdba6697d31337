//! Reads a part of the log in pages.

use std::sync::Arc;

use deed_domain::{
    ids::Position,
    ports::{Feed, RecordedEvent, Scope, StoreError},
};

/// Reads what was there when the reading began; what comes later does not keep it going.
pub(in crate::endpoints) struct LogReader {
    feed: Arc<dyn Feed>,
    scope: Scope,
    after: Position,
    end: Position,
}

impl LogReader {
    pub(in crate::endpoints) async fn begin(
        feed: &Arc<dyn Feed>,
        scope: Scope,
        after: Position,
    ) -> Result<Self, StoreError> {
        Ok(Self::between(feed, scope, after, feed.head().await?))
    }

    /// Reads what stands after one position and up to another.
    pub(in crate::endpoints) fn between(feed: &Arc<dyn Feed>, scope: Scope, after: Position, end: Position) -> Self {
        Self { feed: Arc::clone(feed), scope, after, end }
    }

    /// The next events, at least one and at most `limit`; none at the end. A page that holds none of the scope does not
    /// end the reading.
    pub(in crate::endpoints) async fn next(&mut self, limit: usize) -> Result<Vec<RecordedEvent>, StoreError> {
        while self.after < self.end && limit > 0 {
            let mut page = self.feed.read_after(self.scope, self.after, limit).await?;
            self.after = page.read_up_to;
            page.events.retain(|event| event.position <= self.end);
            if !page.events.is_empty() {
                return Ok(page.events);
            }
        }
        Ok(Vec::new())
    }

    /// All the next events up to `limit`.
    pub(in crate::endpoints) async fn take(mut self, limit: usize) -> Result<Vec<RecordedEvent>, StoreError> {
        let mut events = Vec::new();
        while events.len() < limit {
            let more = self.next(limit - events.len()).await?;
            if more.is_empty() {
                break;
            }
            events.extend(more);
        }
        Ok(events)
    }
}
