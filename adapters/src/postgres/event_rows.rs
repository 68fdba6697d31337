//! Rows of the event table.

use std::collections::HashMap;

use deadpool_postgres::GenericClient;
use deed_domain::{
    codec,
    device::{Device, DeviceEvent},
    ids::{DeviceId, Position, Sequence, TenantId},
    ports::RecordedEvent,
    time::Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    error::SqlError,
    values::{Column, execute, query, signed},
};

/// The columns of a [`RecordedEvent`], in the order in which [`read`] expects them.
pub(in crate::postgres) const COLUMNS: &str =
    "position, aggregate_id, sequence, event_type, event_version, payload::text,
     metadata::text, recorded_at";

pub(in crate::postgres) fn read(row: &Row) -> Result<RecordedEvent, SqlError> {
    let column = |name, index| Column::new("events", name, index);
    let device_id = Uuid::parse_str(column("aggregate_id", 1).get(row)?);
    Ok(RecordedEvent {
        position: Position(column("position", 0).unsigned(row)?),
        device_id: DeviceId(device_id.map_err(|_| column("aggregate_id", 1).damaged(row, "not a UUID"))?),
        sequence: Sequence(column("sequence", 2).unsigned(row)?),
        event_type: column("event_type", 3).get(row)?,
        event_version: column("event_version", 4).get(row)?,
        payload: column("payload", 5).get(row)?,
        metadata: column("metadata", 6).get(row)?,
        recorded_at: Timestamp(column("recorded_at", 7).get(row)?),
    })
}

/// Events that are to be written, in order.
#[derive(Default)]
pub(in crate::postgres) struct NewEvents {
    positions: Vec<i64>,
    devices: Vec<String>,
    sequences: Vec<i64>,
    types: Vec<&'static str>,
    versions: Vec<&'static str>,
    payloads: Vec<String>,
    metadata: Vec<String>,
    tenants: Vec<Uuid>,
    times: Vec<i64>,
}

/// Where and when an event goes, and for whom.
pub(in crate::postgres) struct Place {
    pub(in crate::postgres) position: Position,
    pub(in crate::postgres) device_id: DeviceId,
    pub(in crate::postgres) sequence: Sequence,
    pub(in crate::postgres) tenant_id: TenantId,
    pub(in crate::postgres) recorded_at: Timestamp,
}

impl NewEvents {
    /// Adds an event; `metadata` is the text of what is recorded beside it.
    pub(in crate::postgres) fn push(
        &mut self,
        place: &Place,
        event: &DeviceEvent,
        metadata: &str,
    ) -> Result<(), serde_json::Error> {
        self.payloads.push(codec::encode(event)?);
        self.positions.push(signed(place.position.0));
        self.devices.push(place.device_id.0.to_string());
        self.sequences.push(signed(place.sequence.0));
        self.types.push(codec::event_type(event));
        self.versions.push(codec::current_version(event));
        self.metadata.push(metadata.to_owned());
        self.tenants.push(place.tenant_id.0);
        self.times.push(place.recorded_at.0);
        Ok(())
    }

    pub(in crate::postgres) const fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Writes them.
    pub(in crate::postgres) async fn insert(&self, tx: &impl GenericClient) -> Result<(), SqlError> {
        execute(
            tx,
            "INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
             metadata, tenant_id, recorded_at)
             SELECT position, $1, aggregate_id, sequence, event_type, event_version, payload::json, metadata::json,
             tenant_id, recorded_at
             FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
             $9::uuid[], $10::bigint[]) AS new (position, aggregate_id, sequence, event_type, event_version, payload,
             metadata, tenant_id, recorded_at)",
            &[
                &codec::AGGREGATE_TYPE,
                &self.positions,
                &self.devices,
                &self.sequences,
                &self.types,
                &self.versions,
                &self.payloads,
                &self.metadata,
                &self.tenants,
                &self.times,
            ],
        )
        .await
        .map(drop)
    }
}

/// A device and the sequence of its last event, or why its stream cannot be read.
pub(in crate::postgres) type Fold = Result<(Device, Sequence), SqlError>;

/// Goes on folding devices from where they are known, all in one statement. A history in which an event is missing adds up
/// to nothing that can be relied on; it harms its own device alone.
pub(in crate::postgres) async fn fold_on(
    client: &impl GenericClient,
    mut known: HashMap<DeviceId, (Device, Sequence)>,
) -> Result<HashMap<DeviceId, Fold>, SqlError> {
    let ids: Vec<String> = known.keys().map(|id| id.0.to_string()).collect();
    let after: Vec<i64> = known.values().map(|(_, sequence)| signed(sequence.0)).collect();
    // By stream, so that each is found in the primary key, whatever the planner knows of the table.
    let rows = query(
        client,
        "SELECT event.position, event.aggregate_id, event.sequence, event.event_type, event.event_version,
         event.payload::text
         FROM unnest($2::text[], $3::bigint[]) AS wanted (aggregate_id, after)
         CROSS JOIN LATERAL (SELECT position, aggregate_id, sequence, event_type, event_version, payload FROM events
             WHERE aggregate_type = $1 AND aggregate_id = wanted.aggregate_id AND sequence > wanted.after
             ORDER BY sequence) AS event",
        &[&codec::AGGREGATE_TYPE, &ids, &after],
    )
    .await?;
    let mut folded: HashMap<DeviceId, Fold> = known.drain().map(|(id, known)| (id, Ok(known))).collect();
    for row in &rows {
        let Ok(id) = Uuid::parse_str(Column::new("events", "aggregate_id", 1).get(row)?) else { continue };
        let Some(fold) = folded.get_mut(&DeviceId(id)) else { continue };
        let next = match fold {
            Ok((device, sequence)) => evolve(row, device, *sequence),
            Err(_) => continue,
        };
        match (next, &mut *fold) {
            (Ok(next), Ok((_, sequence))) => *sequence = next,
            (Err(error), fold) => *fold = Err(error),
            (Ok(_), Err(_)) => {}
        }
    }
    Ok(folded)
}

fn evolve(row: &Row, device: &mut Device, last: Sequence) -> Result<Sequence, SqlError> {
    let column = |name, index| Column::new("events", name, index);
    let found = Sequence(column("sequence", 2).unsigned(row)?);
    if found != last.next() {
        return Err(column("sequence", 2).damaged(row, "the event before it is missing"));
    }
    let (event_type, version) = (column("event_type", 3).get(row)?, column("event_version", 4).get(row)?);
    let event = codec::decode(event_type, version, column("payload", 5).get(row)?)
        .map_err(|why| column("payload", 5).damaged(row, &why.to_string()))?;
    device.evolve(&event);
    Ok(found)
}

/// One device as its events make it, and the sequence of the last one.
pub(in crate::postgres) async fn fold(client: &impl GenericClient, device_id: DeviceId) -> Fold {
    let new = HashMap::from([(device_id, (Device::default(), Sequence(0)))]);
    fold_on(client, new).await?.remove(&device_id).unwrap_or_else(|| Ok((Device::default(), Sequence(0))))
}

/// Writes about as much as a large batch does, to be taken back: a disk that takes a row in place of another may have no room for
/// a command.
pub(in crate::postgres) async fn expect_room(tx: &impl GenericClient) -> Result<(), SqlError> {
    let sql =
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
            position, tenant_id, recorded_at)
        SELECT 'room', '', number, '', '', to_json(repeat(' ', 1000)), '{}', -number, $1, 0
        FROM generate_series(1, 256) AS number";
    execute(tx, sql, &[&Uuid::nil()]).await.map(drop)
}
