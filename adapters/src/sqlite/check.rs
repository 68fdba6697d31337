//! Whether what is stored can be trusted: the log is whole, and the read models follow from it.

use std::path::Path;

use deed_domain::{codec, ids::Position, ports::StoreError, time::Timestamp};
use deed_projections::Recorded;
use rusqlite::{Connection, TransactionBehavior};

use super::{
    SqliteStore, connection,
    error::SqlError,
    event_rows,
    read_models::{INLINE, ReadModel},
    values::Column,
};
use crate::check::{CheckReport, Stream, TOLD, advice};

/// Events between two reports of progress.
const REPORT_EVERY: u64 = 4_096;

impl SqliteStore {
    /// Checks that the file is whole, that positions have no gaps and times never go back, that sequences are
    /// contiguous, that every event decodes and can follow those before it, and that each read model equals a rebuild. Reads
    /// one moment of the file and changes nothing, so it may run beside a server. `progress` is told how much of how
    /// much is done.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read at all.
    pub fn check(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<CheckReport, StoreError> {
        check_file(self.path(), progress)
    }
}

/// All that [`SqliteStore::check`] says, of a file.
pub(crate) fn check_file(path: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<CheckReport, StoreError> {
    let mut connection = connection::open_checker(path).map_err(SqlError::from)?;
    Ok(check(&mut connection, progress)?)
}

fn check(connection: &mut Connection, progress: &mut dyn FnMut(u64, u64)) -> Result<CheckReport, SqlError> {
    let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let mut report = CheckReport::default();
    check_pages(&snapshot, &mut report)?;
    let total: u64 = snapshot
        .query_row("SELECT count(*) FROM events", [], |row| Ok(Column::new("events", "count", 0).unsigned(row)))??;
    let faults_of_the_file = report.fault_count;
    check_columns(&snapshot, &mut report)?;
    check_streams(&snapshot, &mut report, &mut |done| progress(done / 2, total))?;
    let mut faults_of_the_log = report.fault_count - faults_of_the_file;
    let stored: Vec<&ReadModel> = INLINE.iter().filter(|model| is_current(&snapshot, model, &mut report)).collect();
    for model in &stored {
        model.create(&snapshot, "temp")?;
    }
    let before = report.fault_count;
    let head = check_order(&snapshot, &stored, &mut report, &mut |done| progress((total + done) / 2, total))?;
    faults_of_the_log += report.fault_count - before;
    for model in &stored {
        compare(&snapshot, model, head, faults_of_the_log == 0, &mut report)?;
    }
    Ok(report)
}

/// The file itself: its pages, and that every index has what its table has, also those of the registry.
fn check_pages(snapshot: &Connection, report: &mut CheckReport) -> Result<(), SqlError> {
    let mut statement = snapshot.prepare(&format!("PRAGMA integrity_check({TOLD})"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let found: String = row.get(0)?;
        if found != "ok" {
            report.fault(format!("the database file: {found}"));
        }
    }
    Ok(())
}

/// What stands in columns of its own says what the event says.
fn check_columns(snapshot: &Connection, report: &mut CheckReport) -> Result<(), SqlError> {
    // Metadata that cannot be read is told by whoever reads it.
    let mut statement = snapshot.prepare(
        "SELECT position, aggregate_type <> ?1 FROM events WHERE aggregate_type <> ?1
         OR (json_valid(metadata) AND tenant_id IS NOT json_extract(metadata, '$.tenantId'))",
    )?;
    let mut rows = statement.query([codec::AGGREGATE_TYPE])?;
    while let Some(row) = rows.next()? {
        let position = Position(Column::new("events", "position", 0).unsigned(row)?);
        let column = if row.get(1)? { "aggregate_type" } else { "tenant_id" };
        report.fault(format!("event at position {position}: column {column}: not what the event says"));
    }
    Ok(())
}

/// Every stream by itself: sequences, decoding, folding.
fn check_streams(
    snapshot: &Connection,
    report: &mut CheckReport,
    progress: &mut dyn FnMut(u64),
) -> Result<(), SqlError> {
    let columns = event_rows::COLUMNS;
    let mut statement = snapshot.prepare(&format!("SELECT {columns} FROM events ORDER BY aggregate_id, sequence"))?;
    let mut rows = statement.query([])?;
    let mut stream: Option<Stream> = None;
    while let Some(row) = rows.next()? {
        report.events += 1;
        if report.events.is_multiple_of(REPORT_EVERY) {
            progress(report.events);
        }
        let event = match event_rows::read(row) {
            Ok(event) => event,
            Err(SqlError::Sqlite(error)) => return Err(error.into()),
            Err(SqlError::Damaged { column, row, why, .. }) => {
                report.fault(format!("event at position {row}: column {column}: {why}"));
                continue;
            }
        };
        if stream.as_ref().is_none_or(|known| known.device_id != event.device_id) {
            report.devices += 1;
            stream = Some(Stream::new(&event));
        }
        if let Some(stream) = &mut stream {
            stream.check(&event, report);
        }
    }
    Ok(())
}

/// The whole log in order: positions and times; fills the read models anew on the way.
fn check_order(
    snapshot: &Connection,
    models: &[&ReadModel],
    report: &mut CheckReport,
    progress: &mut dyn FnMut(u64),
) -> Result<Position, SqlError> {
    let columns = event_rows::COLUMNS;
    let mut statement = snapshot.prepare(&format!("SELECT {columns} FROM events ORDER BY position"))?;
    let mut rows = statement.query([])?;
    let (mut head, mut time, mut done) = (Position(0), Timestamp(0), 0_u64);
    while let Some(row) = rows.next()? {
        done += 1;
        if done.is_multiple_of(REPORT_EVERY) {
            progress(done);
        }
        let position = Position(Column::new("events", "position", 0).unsigned(row)?);
        if position != head.next() {
            report.fault(format!("position {position} follows position {head}"));
        }
        head = position;
        // What cannot be read has been told already.
        let Ok(stored) = event_rows::read(row) else { continue };
        if stored.recorded_at < time {
            report.fault(format!("position {position} was recorded before the one that precedes it"));
        }
        time = stored.recorded_at;
        if let Ok(projected) =
            Recorded::decode(&stored, |event| models.iter().try_for_each(|model| (model.project)(snapshot, event)))
        {
            projected.or_else(|error| match error {
                SqlError::Sqlite(error @ rusqlite::Error::SqliteFailure(..)) => {
                    report.fault(format!("position {position} cannot be projected: {error}"));
                    Ok(())
                }
                other => Err(other),
            })?;
        }
    }
    progress(done);
    Ok(head)
}

/// Whether the read model's table is there and of this version's shape.
fn is_current(snapshot: &Connection, model: &ReadModel, report: &mut CheckReport) -> bool {
    let stored = model.stored_version(snapshot);
    let current = matches!(stored, Ok(Some(version)) if version == model.version);
    if !current {
        report
            .fault(format!("read model {}: not of version {}; the next start rebuilds it", model.name, model.version));
    }
    current
}

fn compare(
    snapshot: &Connection,
    model: &ReadModel,
    head: Position,
    is_log_whole: bool,
    report: &mut CheckReport,
) -> Result<(), SqlError> {
    let name = model.name;
    let difference = |have: &str, lack: &str| {
        format!("SELECT count(*) FROM (SELECT * FROM {have}.{name} EXCEPT SELECT * FROM {lack}.{name})")
    };
    let count = |sql: &str| -> Result<u64, SqlError> {
        snapshot.query_row(sql, [], |row| Ok(Column::new("events", "count", 0).unsigned(row)))?
    };
    let (surplus, missing) = (count(&difference("main", "temp"))?, count(&difference("temp", "main"))?);
    let checkpoint: u64 = snapshot.query_row("SELECT position FROM projections WHERE name = ?1", [name], |row| {
        Ok(Column::new("projections", "position", 0).unsigned(row))
    })??;
    let advice = advice(name, checkpoint > head.0, is_log_whole);
    if surplus + missing > 0 {
        report.fault(format!(
            "read model {name}: {surplus} rows do not follow from the log, {missing} rows are missing; {advice}"
        ));
    }
    let astray = (model.index_faults)(snapshot)?;
    if astray > 0 {
        report.fault(format!("read model {name}: {astray} entries of its index do not follow from its rows; {advice}"));
    }
    if checkpoint != head.0 {
        report.fault(format!("read model {name}: stands at position {checkpoint}, the log ends at {head}; {advice}"));
    }
    Ok(())
}
