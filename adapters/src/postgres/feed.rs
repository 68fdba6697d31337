//! The log in order.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use deadpool_postgres::GenericClient;
use deed_domain::{
    codec,
    ids::{DeviceId, Position, TenantId},
    ports::{Feed, Page, RecordedEvent, Scope, StoreError, Subscription, Written},
    time::Timestamp,
};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    PostgresStore, device_notices,
    error::SqlError,
    event_rows, log_end, read_models, sessions,
    values::{Column, query, query_opt, signed},
    writer,
};

/// Events that a subscription reads at once.
const SUBSCRIPTION_PAGE: usize = 512;
/// How often a node looks whether others have appended.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// After how many looks old notices are forgotten.
const FORGET_EVERY: u32 = 120;

#[async_trait]
impl Feed for PostgresStore {
    async fn read_after(&self, scope: Scope, after: Position, limit: usize) -> Result<Page, StoreError> {
        let client = self.connection().await?;
        // First the end: what is behind it has been given, whatever is appended meanwhile.
        let end = log_end::read(&client).await?.position;
        let columns = event_rows::COLUMNS;
        let (after_row, up_to) = (signed(after.0), signed(end.0));
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let select = |condition: &str, order: &str| {
            format!(
                "SELECT {columns} FROM events WHERE {condition} AND position > $1 AND position <= $2
                 ORDER BY {order} LIMIT $3"
            )
        };
        let rows = match scope {
            Scope::All => query(&client, &select("true", "position"), &[&after_row, &up_to, &most]).await?,
            Scope::Tenant(id) => {
                query(&client, &select("tenant_id = $4", "position"), &[&after_row, &up_to, &most, &id.0]).await?
            }
            // By sequence, which has an index; a device's positions are in the same order.
            Scope::Device(id) => {
                let sql = select("aggregate_type = $4 AND aggregate_id = $5", "sequence");
                let id = id.0.to_string();
                query(&client, &sql, &[&after_row, &up_to, &most, &codec::AGGREGATE_TYPE, &id]).await?
            }
        };
        let events = rows.iter().map(event_rows::read).collect::<Result<Vec<_>, _>>()?;
        let read_up_to = match events.last() {
            Some(last) if events.len() >= limit => last.position,
            // Nothing was asked for, so nothing has been given.
            None if limit == 0 => after,
            Some(_) | None => end.max(after),
        };
        Ok(Page { events, read_up_to })
    }

    async fn head(&self) -> Result<Position, StoreError> {
        Ok(log_end::read(&self.connection().await?).await?.position)
    }

    /// Halves the log again and again: positions have no gaps and times never go back, so no index is needed.
    async fn position_before(&self, time: Timestamp) -> Result<Position, StoreError> {
        let client = self.connection().await?;
        let (mut before, mut not_before) = (0, log_end::read(&client).await?.position.0 + 1);
        while not_before - before > 1 {
            let middle = before + (not_before - before) / 2;
            let sql = "SELECT recorded_at FROM events WHERE position = $1";
            let row = query_opt(&client, sql, &[&signed(middle)]).await?;
            let recorded_at = match row {
                Some(row) => Column::new("events", "recorded_at", 0).get::<i64>(&row)?,
                None => {
                    let (row, why) = (middle.to_string(), "the event is missing; restore a backup".to_owned());
                    return Err(StoreError::Damaged { table: "events", column: "position", row, why });
                }
            };
            *(if recorded_at < time.0 { &mut before } else { &mut not_before }) = middle;
        }
        Ok(Position(before))
    }

    /// By device, each from the end of its stream, which has an index.
    async fn last_of_each(&self, devices: &[DeviceId], event_types: &[&str]) -> Result<Vec<RecordedEvent>, StoreError> {
        let columns = event_rows::COLUMNS;
        let sql = format!(
            "SELECT event.* FROM unnest($2::text[]) AS wanted (id)
             CROSS JOIN LATERAL (SELECT {columns} FROM events
                 WHERE aggregate_type = $1 AND aggregate_id = wanted.id AND event_type = ANY($3::text[])
                 ORDER BY sequence DESC LIMIT 1) AS event"
        );
        let ids: Vec<String> = devices.iter().map(|id| id.0.to_string()).collect();
        let rows = query(&self.connection().await?, &sql, &[&codec::AGGREGATE_TYPE, &ids, &event_types]).await?;
        Ok(rows.iter().map(event_rows::read).collect::<Result<_, _>>()?)
    }

    fn subscribe(&self, scope: Scope, after: Position) -> Box<dyn Subscription> {
        let changed = self.notices().listen(scope);
        Box::new(Follower { changed, store: self.clone(), scope, after })
    }
}

/// Follows the log from a position.
struct Follower {
    store: PostgresStore,
    changed: watch::Receiver<()>,
    scope: Scope,
    after: Position,
}

#[async_trait]
impl Subscription for Follower {
    async fn next(&mut self) -> Result<Page, StoreError> {
        loop {
            // Marked before reading: what is appended meanwhile is noticed the next time round.
            self.changed.mark_unchanged();
            let page = self.store.read_after(self.scope, self.after, SUBSCRIPTION_PAGE).await?;
            self.after = page.read_up_to;
            if !page.events.is_empty() {
                return Ok(page);
            }
            if self.changed.changed().await.is_err() {
                return Err(writer::closed());
            }
        }
    }
}

/// How far a node knows what others have written.
#[derive(Clone, Copy)]
struct Seen {
    position: Position,
    notice: i64,
    session: i64,
}

/// Looks again and again whether other nodes have written, and wakes who follows the log or a device. Ends with the store.
pub(in crate::postgres) async fn start(store: &PostgresStore) -> Result<(), SqlError> {
    // Before anybody follows, so that nothing falls between.
    let mut seen = store.seen().await?;
    let (stopping, store) = (store.0.stopping.clone(), Arc::downgrade(&store.0));
    tokio::spawn(async move {
        let mut looks = 0_u32;
        while stopping.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            let Some(store) = store.upgrade().map(PostgresStore) else { return };
            // After a failure the next look goes on from the same place.
            if let Ok(now) = store.look(seen).await {
                seen = now;
            }
            looks = looks.wrapping_add(1);
            if looks.is_multiple_of(FORGET_EVERY)
                && let Err(error) = store.forget().await
            {
                tracing::debug!(error = %StoreError::from(error), "what is a day old stays for now");
            }
        }
    });
    Ok(())
}

impl PostgresStore {
    async fn seen(&self) -> Result<Seen, SqlError> {
        let client = self.connection().await?;
        let (notice, session) = (device_notices::last(&client).await?, sessions::last(&client).await?);
        let end = log_end::read(&client).await?;
        // A node that writes nothing hears the time all the same.
        self.0.time.of_append(end.told);
        Ok(Seen { position: end.position, notice, session })
    }

    async fn look(&self, seen: Seen) -> Result<Seen, SqlError> {
        let mut now = self.seen().await?;
        let mut written = Vec::new();
        if now.position < seen.position {
            tracing::error!(
                position = now.position.0,
                seen = seen.position.0,
                "the log ends before an event that this node has seen: the database has lost what was acknowledged, as a standby that \
                 takes over without having received everything does"
            );
        }
        if seen.position < now.position {
            let touched = touched(&self.connection().await?, seen.position, now.position).await?;
            self.notices().notify(&touched);
            let other = Written { credentials: false, other: true };
            written.extend(touched.into_iter().map(|(_, device_id)| (device_id, other)));
        }
        if seen.notice < now.notice {
            let client = self.connection().await?;
            written.extend(device_notices::of_others(&client, self.0.node, seen.notice, now.notice).await?);
        }
        self.notices().watchers.tell(&written);
        if seen.session < now.session {
            let client = self.connection().await?;
            let (began, up_to) = sessions::of_others(&client, self.0.node, seen.session, now.session).await?;
            now.session = up_to;
            self.notices().watchers.tell_sessions(&began);
        }
        Ok(now)
    }

    async fn forget(&self) -> Result<(), SqlError> {
        if self.0.queue.is_some() {
            let client = self.connection().await?;
            device_notices::forget(&client, self.now()).await?;
            writer::forget(&client, self.now()).await?;
            read_models::forget_taken(&client, self.now()).await?;
            sessions::forget(&client, self.now()).await?;
        }
        Ok(())
    }
}

/// Whom the events after one position and up to another are about.
async fn touched(
    client: &impl GenericClient,
    after: Position,
    up_to: Position,
) -> Result<Vec<(TenantId, DeviceId)>, SqlError> {
    let sql = "SELECT DISTINCT tenant_id, aggregate_id FROM events WHERE position > $1 AND position <= $2";
    let column = |name, index| Column::new("events", name, index);
    let mut touched = Vec::new();
    for row in query(client, sql, &[&signed(after.0), &signed(up_to.0)]).await? {
        // What cannot be read is told by whoever reads it.
        if let Ok(id) = Uuid::parse_str(column("aggregate_id", 1).get(&row)?) {
            touched.push((column("tenant_id", 0).id(&row)?, DeviceId(id)));
        }
    }
    Ok(touched)
}
