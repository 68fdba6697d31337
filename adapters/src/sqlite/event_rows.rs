//! Rows of the event table.

use deed_domain::{
    codec,
    device::{Device, DeviceEvent},
    ids::{DeviceId, Position, Sequence},
    metadata::Metadata,
    ports::RecordedEvent,
    time::Timestamp,
};
use rusqlite::{Connection, Row, params};

use super::{
    error::SqlError,
    values::{Column, IdText, signed},
};

/// The columns of a [`RecordedEvent`], in the order in which [`read`] expects them.
pub(in crate::sqlite) const COLUMNS: &str =
    "position, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at";

pub(in crate::sqlite) fn read(row: &Row<'_>) -> Result<RecordedEvent, SqlError> {
    let column = |name, index| Column::new("events", name, index);
    Ok(RecordedEvent {
        position: Position(column("position", 0).unsigned(row)?),
        device_id: column("aggregate_id", 1).id(row)?,
        sequence: Sequence(column("sequence", 2).unsigned(row)?),
        event_type: row.get(3)?,
        event_version: row.get(4)?,
        payload: row.get(5)?,
        metadata: row.get(6)?,
        recorded_at: Timestamp(row.get(7)?),
    })
}

/// Where and when an event goes.
pub(in crate::sqlite) struct Place {
    pub(in crate::sqlite) position: Position,
    pub(in crate::sqlite) device_id: DeviceId,
    pub(in crate::sqlite) sequence: Sequence,
    pub(in crate::sqlite) recorded_at: Timestamp,
}

/// Adds one event; `metadata_json` is the text of `metadata`.
pub(in crate::sqlite) fn insert(
    tx: &Connection,
    place: &Place,
    event: &DeviceEvent,
    metadata: &Metadata,
    metadata_json: &str,
) -> Result<(), SqlError> {
    let payload = codec::encode(event).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    tx.prepare_cached(
        "INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
         metadata, tenant_id, recorded_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        signed(place.position.0),
        codec::AGGREGATE_TYPE,
        IdText::new(place.device_id.0),
        signed(place.sequence.0),
        codec::event_type(event),
        codec::current_version(event),
        payload,
        metadata_json,
        IdText::new(metadata.tenant_id.0),
        place.recorded_at.0,
    ])?;
    Ok(())
}

/// The device as its events make it, and the sequence of the last one. A history in which an event is missing adds up to
/// nothing that can be relied on.
pub(in crate::sqlite) fn fold(connection: &Connection, device_id: DeviceId) -> Result<(Device, Sequence), SqlError> {
    let mut statement = connection.prepare_cached(
        "SELECT position, sequence, event_type, event_version, payload FROM events WHERE aggregate_id = ?1
         ORDER BY sequence",
    )?;
    let mut rows = statement.query([IdText::new(device_id.0)])?;
    let (mut device, mut sequence) = (Device::default(), Sequence(0));
    while let Some(row) = rows.next()? {
        device.evolve(&decode(row, 2)?);
        let column = Column::new("events", "sequence", 1);
        let found = Sequence(column.unsigned(row)?);
        if found != sequence.next() {
            return Err(column.damaged(row, "the event before it is missing"));
        }
        sequence = found;
    }
    Ok((device, sequence))
}

/// Decodes the event whose type, version and payload stand in three columns from `first` on, straight from the row.
pub(in crate::sqlite) fn decode(row: &Row<'_>, first: usize) -> Result<DeviceEvent, SqlError> {
    let column = |name, index| Column::new("events", name, index);
    let text = |name, index| row.get_ref(index)?.as_str().map_err(|_| column(name, index).damaged(row, "not a text"));
    let (event_type, version) = (text("event_type", first)?, text("event_version", first + 1)?);
    let payload = text("payload", first + 2)?;
    codec::decode(event_type, version, payload)
        .map_err(|why| column("payload", first + 2).damaged(row, &why.to_string()))
}
