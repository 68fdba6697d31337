//! A `deed`'s log on PostgreSQL.
//!
//! Its table `events` has the columns of postgres-es, so one device is loaded as any aggregate of cqrs-es. For a read model over
//! all devices that is not enough: postgres-es streams all events in the order of their sequences, the first of each device before
//! the second of any, and when the database fails its stream ends as if that were all (`docs/adr/0020`). So these are read
//! through the column `position`, which `deed` adds: 1, 2, 3 … over all devices, in the order of the commits and without gaps.
//! Whoever has seen position N has seen all before it, and goes on after N.

use std::collections::HashMap;

use cqrs_es::{
    AggregateError, EventEnvelope, EventStore,
    persist::{EventUpcaster, PersistedEventStore, SerializedEvent},
};
use deed_domain::{
    codec::{self, UPCASTERS, UnreadableEvent, Upcaster},
    device::{Device, Refusal},
};
use postgres_es::PostgresEventRepository;
use sqlx::{PgPool, Row, postgres::PgRow};

/// Events that are read at once.
const PAGE: i64 = 1_000;

/// The log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The database does not answer, or has no such table.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The same, as cqrs-es tells it.
    #[error(transparent)]
    Aggregate(#[from] AggregateError<Refusal>),
    /// The event at that position is of a newer `deed` than this program knows.
    #[error("position {0}: {1}")]
    Unreadable(i64, UnreadableEvent),
    /// What stands beside the event at that position is no flat map of strings.
    #[error("position {0}: {1}")]
    Metadata(i64, serde_json::Error),
}

/// A device as its events make it, and its last sequence; 0 if there is none of that id.
///
/// # Errors
/// [`LogError::Aggregate`] if the database cannot be read, or an event is of a newer `deed`.
pub async fn device(pool: &PgPool, id: &str) -> Result<(Device, usize), LogError> {
    let upcasters = UPCASTERS.iter().map(|upcaster| Box::new(FromOlder(*upcaster)) as Box<dyn EventUpcaster>).collect();
    let repository = PostgresEventRepository::new(pool.clone());
    let store = PersistedEventStore::<_, Device>::new_event_store(repository).with_upcasters(upcasters);
    let context = store.load_aggregate(id).await?;
    Ok((context.aggregate, context.current_sequence))
}

/// Gives `each` all events after that position, in order; returns the last one's position, to go on from.
///
/// # Errors
/// [`LogError`]; what was given so far stands.
pub async fn read_after(
    pool: &PgPool,
    mut position: i64,
    mut each: impl FnMut(&EventEnvelope<Device>),
) -> Result<i64, LogError> {
    // As text, so that a payload is read as it was written.
    const EVENTS: &str =
        "SELECT position, aggregate_id, sequence, event_type, event_version, payload::text, metadata::text
         FROM events WHERE aggregate_type = 'device' AND position > $1 ORDER BY position LIMIT $2";
    loop {
        let page = sqlx::query(EVENTS).bind(position).bind(PAGE).fetch_all(pool).await?;
        if page.is_empty() {
            return Ok(position);
        }
        for row in &page {
            position = row.try_get("position")?;
            each(&envelope(position, row)?);
        }
    }
}

fn envelope(position: i64, row: &PgRow) -> Result<EventEnvelope<Device>, LogError> {
    let text = |column| row.try_get::<&str, _>(column);
    let payload = codec::decode(text("event_type")?, text("event_version")?, text("payload")?);
    let metadata: Result<HashMap<_, _>, _> = serde_json::from_str(text("metadata")?);
    Ok(EventEnvelope {
        aggregate_id: text("aggregate_id")?.to_owned(),
        sequence: usize::try_from(row.try_get::<i64, _>("sequence")?).unwrap_or_default(),
        payload: payload.map_err(|why| LogError::Unreadable(position, why))?,
        metadata: metadata.map_err(|why| LogError::Metadata(position, why))?,
    })
}

/// A change of an event's shape, as cqrs-es takes it.
struct FromOlder(Upcaster);

impl EventUpcaster for FromOlder {
    fn can_upcast(&self, event_type: &str, event_version: &str) -> bool {
        (event_type, event_version) == (self.0.event_type, self.0.from)
    }

    fn upcast(&self, mut event: SerializedEvent) -> SerializedEvent {
        if let Some(members) = event.payload.get_mut(self.0.event_type) {
            *members = (self.0.upcast)(members.take());
        }
        self.0.to.clone_into(&mut event.event_version);
        event
    }
}
