//! Whether what is stored can be trusted: the log is whole, and the read models follow from it.

use deadpool_postgres::{Client, Transaction};
use deed_domain::{
    codec,
    ids::{Position, Sequence},
    time::Timestamp,
};
use deed_projections::Recorded;
use tokio_postgres::{IsolationLevel, error::SqlState};

use super::{
    error::{SqlError, told},
    event_rows, log_end,
    read_models::{Changes, INLINE, ReadModel},
    values::{Column, query, query_one, signed},
};
use crate::check::{CheckReport, Stream, advice};

/// Events that are read at once.
const PAGE: i64 = 4_096;

/// All that [`crate::Store::check`] says, at one moment of the database.
pub(in crate::postgres) async fn check(
    client: &mut Client,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<CheckReport, SqlError> {
    // Undone at the end, with the tables of that moment, which are all that it writes: also where nothing else may be written.
    let begun = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(false);
    let moment = begun.start().await.map_err(needing_tables)?;
    let schema: String = query_one(&moment, "SELECT quote_ident(current_schema())", &[]).await?.get(0);
    let mut report = CheckReport::default();
    let mut stored = Vec::new();
    for model in &INLINE {
        let current = model.stored_version(&moment).await? == Some(model.version);
        if current {
            stored.push(model);
        } else {
            let ReadModel { name, version, .. } = model;
            report.fault(format!("read model {name}: not of version {version}; `deed migrate` fills it"));
        }
    }
    let faults_of_models = report.fault_count;
    moment.batch_execute(&format!("SET LOCAL search_path = pg_temp, {schema}")).await?;
    for model in &stored {
        moment.batch_execute(model.ddl).await.map_err(needing_tables)?;
    }
    let total: u64 =
        Column::new("events", "count", 0).unsigned(&moment.query_one("SELECT count(*) FROM events", &[]).await?)?;
    check_columns(&moment, &mut report).await?;
    check_streams(&moment, &mut report, &mut |done| progress(done / 2, total)).await?;
    let done = &mut |done| progress((total + done) / 2, total);
    let head = check_order(&moment, &stored, &mut report, done).await?;
    let is_log_whole = report.fault_count == faults_of_models;
    for model in &stored {
        compare(&moment, &schema, model, head, is_log_whole, &mut report).await?;
    }
    moment.rollback().await?;
    Ok(report)
}

/// Says what is needed, where the tables of that moment cannot be made.
fn needing_tables(error: tokio_postgres::Error) -> SqlError {
    match error.code() {
        Some(
            &(SqlState::FEATURE_NOT_SUPPORTED | SqlState::READ_ONLY_SQL_TRANSACTION | SqlState::INSUFFICIENT_PRIVILEGE),
        ) => SqlError::NotConnected(format!(
            "{}. To compare them, read models are filled anew in temporary tables: check the primary server and no standby, or a \
             restored backup, as a user who may make such tables (GRANT TEMPORARY ON DATABASE)",
            told(&error)
        )),
        _ => error.into(),
    }
}

/// What stands in columns of its own says what the event says. Whatever looks at all rows takes the time that it takes.
async fn check_columns(moment: &Transaction<'_>, report: &mut CheckReport) -> Result<(), SqlError> {
    let sql = "SELECT position, aggregate_type <> $1 FROM events WHERE aggregate_type <> $1
         OR tenant_id::text IS DISTINCT FROM metadata ->> 'tenantId' ORDER BY position";
    for row in &moment.query(sql, &[&codec::AGGREGATE_TYPE]).await? {
        let position = Position(Column::new("events", "position", 0).unsigned(row)?);
        let column = if row.get(1) { "aggregate_type" } else { "tenant_id" };
        report.fault(format!("event at position {position}: column {column}: not what the event says"));
    }
    Ok(())
}

/// Every stream by itself: sequences, and that each event decodes and can follow those before it.
async fn check_streams(
    moment: &Transaction<'_>,
    report: &mut CheckReport,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<(), SqlError> {
    let columns = event_rows::COLUMNS;
    let sql = format!(
        r#"SELECT {columns} FROM events WHERE (aggregate_type, aggregate_id, sequence) > ($1, $2, $3)
           ORDER BY aggregate_type, aggregate_id, sequence LIMIT $4"#
    );
    let mut stream: Option<Stream> = None;
    let mut after = (String::new(), Sequence(0));
    loop {
        let rows = query(moment, &sql, &[&codec::AGGREGATE_TYPE, &after.0, &signed(after.1.0), &PAGE]).await?;
        for row in &rows {
            report.events += 1;
            after = (
                Column::new("events", "aggregate_id", 1).get(row)?,
                Sequence(Column::new("events", "sequence", 2).unsigned(row)?),
            );
            let event = match event_rows::read(row) {
                Ok(event) => event,
                Err(SqlError::Damaged { column, row, why, .. }) => {
                    report.fault(format!("event at position {row}: column {column}: {why}"));
                    continue;
                }
                Err(error) => return Err(error),
            };
            if stream.as_ref().is_none_or(|known| known.device_id != event.device_id) {
                report.devices += 1;
                stream = Some(Stream::new(&event));
            }
            if let Some(stream) = &mut stream {
                stream.check(&event, report);
            }
        }
        progress(report.events);
        if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}

/// The whole log in order: positions and times; fills the read models anew on the way.
async fn check_order(
    moment: &Transaction<'_>,
    models: &[&ReadModel],
    report: &mut CheckReport,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Position, SqlError> {
    let columns = event_rows::COLUMNS;
    let sql = format!("SELECT {columns} FROM events WHERE position > $1 ORDER BY position LIMIT $2");
    let mut changes: Vec<Box<dyn Changes>> = models.iter().map(|model| (model.changes)()).collect();
    let (mut head, mut time, mut done) = (Position(0), Timestamp(0), 0_u64);
    loop {
        let rows = query(moment, &sql, &[&signed(head.0), &PAGE]).await?;
        for row in &rows {
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
            let _ = Recorded::decode(&stored, |event| changes.iter_mut().for_each(|changes| changes.project(event)));
        }
        for changes in &mut changes {
            changes.make(moment, false).await?;
        }
        done += rows.len() as u64;
        progress(done);
        if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
            break;
        }
    }
    let end = log_end::read(moment).await?;
    if end.position != head {
        report.fault(format!("log_end says position {}, the log ends at {head}", end.position));
    }
    if end.recorded_at != time {
        report.fault(format!("log_end says that the last event is of {}, its time is {time}", end.recorded_at));
    }
    Ok(head)
}

async fn compare(
    moment: &Transaction<'_>,
    schema: &str,
    model: &ReadModel,
    head: Position,
    is_log_whole: bool,
    report: &mut CheckReport,
) -> Result<(), SqlError> {
    let name = model.name;
    let count = async |have: &str, lack: &str| -> Result<u64, SqlError> {
        let sql = format!(
            "SELECT count(*) FROM (SELECT * FROM {have}.{name} EXCEPT SELECT * FROM {lack}.{name}) AS difference"
        );
        Column::new("events", "count", 0).unsigned(&moment.query_one(&sql, &[]).await?)
    };
    let (surplus, missing) = (count(schema, "pg_temp").await?, count("pg_temp", schema).await?);
    let row = query_one(moment, "SELECT name, position FROM projections WHERE name = $1", &[&name]).await?;
    let checkpoint: u64 = Column::new("projections", "position", 1).unsigned(&row)?;
    let advice = advice(name, checkpoint > head.0, is_log_whole);
    if surplus + missing > 0 {
        report.fault(format!(
            "read model {name}: {surplus} rows do not follow from the log, {missing} rows are missing; {advice}"
        ));
    }
    // Of the tables that are there, not of those of this moment.
    moment.batch_execute(&format!("SET LOCAL search_path = {schema}, pg_temp")).await?;
    let astray = (model.index_faults)(moment).await?;
    if astray > 0 {
        report.fault(format!("read model {name}: {astray} entries of its index do not follow from its rows; {advice}"));
    }
    if checkpoint != head.0 {
        report.fault(format!("read model {name}: stands at position {checkpoint}, the log ends at {head}; {advice}"));
    }
    Ok(())
}
