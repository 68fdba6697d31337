//! Reads the log that `deed export` writes: one JSON object per line, payload and metadata byte for byte.

use std::{fs::File, io, path::Path};

use deed_domain::{
    codec::AGGREGATE_TYPE,
    ids::{DeviceId, Position, Sequence},
    ports::RecordedEvent,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::History;

/// An exported log that cannot be read. Names the line and shows nothing of it.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct ExportError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: ExportFault,
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum ExportFault {
    /// It could not be read from where it is.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is no JSON object with the members of an exported event.
    #[error("not an exported event, at column {column}")]
    Malformed {
        /// Where it stops making sense.
        column: usize,
    },
    /// It is an event of something else than a device.
    #[error("not an event of a device")]
    OtherAggregate,
    /// Its position is not after that of the line before.
    #[error("position {position} is not after position {after}")]
    OutOfOrder {
        /// The line's.
        position: Position,
        /// The one of the line before.
        after: Position,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    position: Position,
    aggregate_type: String,
    aggregate_id: DeviceId,
    sequence: Sequence,
    event_type: String,
    event_version: String,
    recorded_at: Timestamp,
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(borrow)]
    metadata: &'a RawValue,
}

impl History {
    /// The log in a file that `deed export` wrote, whole or a part of it.
    ///
    /// # Errors
    /// [`ExportError`] names the first line that is at fault.
    pub fn from_export_file(path: impl AsRef<Path>) -> Result<Self, ExportError> {
        let file = File::open(path).map_err(|error| ExportError { line: 1, fault: error.into() })?;
        Self::from_export(io::BufReader::new(file))
    }

    /// The log that `deed export` wrote, whole or a part of it. Blank lines are passed over. Events are not decoded
    /// here, so one that only a later version knows is no fault yet.
    ///
    /// # Errors
    /// [`ExportError`] names the first line that is at fault.
    pub fn from_export(mut reader: impl io::BufRead) -> Result<Self, ExportError> {
        let mut events: Vec<RecordedEvent> = Vec::new();
        let mut bytes = Vec::new();
        for line in 1.. {
            let at_fault = |fault| ExportError { line, fault };
            bytes.clear();
            if reader.read_until(b'\n', &mut bytes).map_err(|error| at_fault(error.into()))? == 0 {
                break;
            }
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let event = parse(&bytes).map_err(at_fault)?;
            match events.last() {
                Some(last) if last.position >= event.position => {
                    let (position, after) = (event.position, last.position);
                    return Err(at_fault(ExportFault::OutOfOrder { position, after }));
                }
                Some(_) | None => events.push(event),
            }
        }
        Ok(Self::from_recorded(events))
    }
}

fn parse(line: &[u8]) -> Result<RecordedEvent, ExportFault> {
    let line: Line<'_> =
        serde_json::from_slice(line).map_err(|error| ExportFault::Malformed { column: error.column() })?;
    if line.aggregate_type != AGGREGATE_TYPE {
        return Err(ExportFault::OtherAggregate);
    }
    Ok(RecordedEvent {
        position: line.position,
        device_id: line.aggregate_id,
        sequence: line.sequence,
        recorded_at: line.recorded_at,
        event_type: line.event_type,
        event_version: line.event_version,
        payload: line.payload.get().to_owned(),
        metadata: line.metadata.get().to_owned(),
    })
}
