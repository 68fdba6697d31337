//! `deed export`

use std::io::{self, BufWriter, Write};

use clap::Args;
use deed_domain::{
    codec::AGGREGATE_TYPE,
    ids::{DeviceId, Position, Sequence},
    ports::{RecordedEvent, Scope, StoreError},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    exit::CliError,
    progress::Progress,
    shared::{Location, runtime},
};

/// Events that are read at once.
const PAGE: usize = 1_000;

/// Write the log as one JSON object a line
///
/// In the order of the log, payload and metadata byte for byte as they are stored. Reads beside a running server, up to
/// the end that the log has when it starts.
#[derive(Args, Debug)]
pub(super) struct Export {
    /// Begin after this position, to go on where an earlier export ended
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    after: u64,

    #[command(flatten)]
    location: Location,
}

/// One line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    position: Position,
    aggregate_type: &'static str,
    aggregate_id: DeviceId,
    sequence: Sequence,
    event_type: &'a str,
    event_version: &'a str,
    recorded_at: Timestamp,
    payload: &'a RawValue,
    metadata: &'a RawValue,
}

impl Export {
    pub(super) fn run(self) -> Result<(), CliError> {
        let mut out = BufWriter::new(io::stdout().lock());
        runtime()?.block_on(async {
            let store = self.location.open_read_only().await?;
            let end = store.head().await?;
            let start = Position(self.after);
            let progress = Progress::start("exporting");
            let mut after = start;
            while after < end {
                let page = store.read_after(Scope::All, after, PAGE).await?;
                for event in page.events.iter().filter(|event| event.position <= end) {
                    serde_json::to_writer(&mut out, &Line::of(event)?).map_err(io::Error::from)?;
                    out.write_all(b"\n")?;
                }
                after = page.read_up_to;
                progress.report(after.0.min(end.0) - start.0, end.0 - start.0);
            }
            Ok(out.flush()?)
        })
    }
}

impl<'a> Line<'a> {
    fn of(event: &'a RecordedEvent) -> Result<Self, CliError> {
        let raw = |column, text: &'a str| -> Result<&'a RawValue, CliError> {
            let why = |error: serde_json::Error| StoreError::Damaged {
                table: "events",
                column,
                row: event.position.to_string(),
                why: format!("no JSON at line {}, column {}", error.line(), error.column()),
            };
            Ok(serde_json::from_str(text).map_err(why)?)
        };
        Ok(Self {
            position: event.position,
            aggregate_type: AGGREGATE_TYPE,
            aggregate_id: event.device_id,
            sequence: event.sequence,
            event_type: &event.event_type,
            event_version: &event.event_version,
            recorded_at: event.recorded_at,
            payload: raw("payload", &event.payload)?,
            metadata: raw("metadata", &event.metadata)?,
        })
    }
}
