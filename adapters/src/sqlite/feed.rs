//! The log in order.

use std::iter;

use async_trait::async_trait;
use deed_domain::{
    ids::{DeviceId, Position},
    ports::{Feed, Page, RecordedEvent, Scope, StoreError, Subscription},
    time::Timestamp,
};
use rusqlite::{Connection, ToSql, params, params_from_iter};
use tokio::sync::watch;

use super::{
    SqliteStore,
    error::SqlError,
    event_rows,
    values::{Column, IdText, signed},
};

/// Events that a subscription reads at once.
const SUBSCRIPTION_PAGE: usize = 512;

#[async_trait]
impl Feed for SqliteStore {
    async fn read_after(&self, scope: Scope, after: Position, limit: usize) -> Result<Page, StoreError> {
        self.read(move |connection| read_page(connection, scope, after, limit)).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.lookup(head).await
    }

    async fn position_before(&self, time: Timestamp) -> Result<Position, StoreError> {
        self.lookup(move |connection| position_before(connection, time)).await
    }

    async fn last_of_each(&self, devices: &[DeviceId], event_types: &[&str]) -> Result<Vec<RecordedEvent>, StoreError> {
        let devices = devices.to_vec();
        let types: Vec<String> = event_types.iter().map(|&event_type| event_type.to_owned()).collect();
        self.read(move |connection| last_of_each(connection, &devices, &types)).await
    }

    fn subscribe(&self, scope: Scope, after: Position) -> Box<dyn Subscription> {
        let changed = self.notices().listen(scope);
        Box::new(Follower { changed, store: self.clone(), scope, after })
    }
}

fn head(connection: &Connection) -> Result<Position, SqlError> {
    let mut statement = connection.prepare_cached("SELECT ifnull(max(position), 0) FROM events")?;
    statement.query_row([], |row| Ok(Column::new("events", "position", 0).unsigned(row).map(Position)))?
}

/// Halves the log again and again: positions have no gaps and times never go back, so no index is needed.
fn position_before(connection: &Connection, time: Timestamp) -> Result<Position, SqlError> {
    let snapshot = connection.unchecked_transaction()?;
    let mut statement = snapshot.prepare_cached("SELECT recorded_at FROM events WHERE position = ?1")?;
    let (mut before, mut not_before) = (0, head(&snapshot)?.0 + 1);
    while not_before - before > 1 {
        let middle = before + (not_before - before) / 2;
        let recorded_at: i64 = statement.query_row([signed(middle)], |row| row.get(0))?;
        *(if recorded_at < time.0 { &mut before } else { &mut not_before }) = middle;
    }
    Ok(Position(before))
}

fn read_page(connection: &Connection, scope: Scope, after: Position, limit: usize) -> Result<Page, SqlError> {
    // One transaction, so that the end of the log belongs to the same moment as the events.
    let snapshot = connection.unchecked_transaction()?;
    let columns = event_rows::COLUMNS;
    let (after_row, most) = (signed(after.0), i64::try_from(limit).unwrap_or(i64::MAX));
    let select = |condition: &str| {
        format!("SELECT {columns} FROM events WHERE {condition} AND position > ?1 ORDER BY position LIMIT ?2")
    };
    let events = match scope {
        Scope::All => snapshot
            .prepare_cached(&select("true"))?
            .query_and_then(params![after_row, most], event_rows::read)?
            .collect::<Result<Vec<_>, _>>()?,
        Scope::Tenant(id) => snapshot
            .prepare_cached(&select("tenant_id = ?3"))?
            .query_and_then(params![after_row, most, IdText::new(id.0)], event_rows::read)?
            .collect::<Result<Vec<_>, _>>()?,
        // By sequence, which has an index; a device's positions are in the same order.
        Scope::Device(id) => snapshot
            .prepare_cached(&format!(
                "SELECT {columns} FROM events WHERE aggregate_id = ?3 AND position > ?1 ORDER BY sequence LIMIT ?2"
            ))?
            .query_and_then(params![after_row, most, IdText::new(id.0)], event_rows::read)?
            .collect::<Result<Vec<_>, _>>()?,
    };
    let read_up_to = match events.last() {
        Some(last) if events.len() >= limit => last.position,
        // Nothing was asked for, so nothing has been given.
        None if limit == 0 => after,
        Some(_) | None => head(&snapshot)?.max(after),
    };
    Ok(Page { events, read_up_to })
}

/// Each from the end of its stream, which has an index.
fn last_of_each(
    connection: &Connection,
    devices: &[DeviceId],
    event_types: &[String],
) -> Result<Vec<RecordedEvent>, SqlError> {
    let columns = event_rows::COLUMNS;
    let types = vec!["?"; event_types.len()].join(", ");
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {columns} FROM events WHERE aggregate_id = ? AND event_type IN ({types}) ORDER BY sequence DESC LIMIT 1"
    ))?;
    let mut found = Vec::new();
    for id in devices {
        let id = IdText::new(id.0);
        let values = iter::once(&id as &dyn ToSql).chain(event_types.iter().map(|event_type| event_type as _));
        let mut rows = statement.query(params_from_iter(values))?;
        if let Some(row) = rows.next()? {
            found.push(event_rows::read(row)?);
        }
    }
    Ok(found)
}

/// Follows the log from a position.
struct Follower {
    store: SqliteStore,
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
                return Err(super::writer::closed());
            }
        }
    }
}
