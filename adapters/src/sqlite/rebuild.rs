//! Fills a read model again from the log: beside the old one, then in its place.

use deed_projections::{Recorded, Undecodable};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::{
    SqliteStore, connection,
    error::{OpenError, SqlError},
    event_rows,
    read_models::{INLINE, ReadModel},
    values::Column,
};
use crate::RebuildError;
use deed_domain::ids::Position;

/// Events between two reports of progress.
const REPORT_EVERY: u64 = 4_096;

impl From<SqlError> for RebuildError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.into())
    }
}

impl From<rusqlite::Error> for RebuildError {
    fn from(error: rusqlite::Error) -> Self {
        SqlError::from(error).into()
    }
}

impl SqliteStore {
    /// Rebuilds the read model of that name, in one transaction: who reads sees the old one or the new one, never half.
    /// `progress` is told how many events of how many are done.
    ///
    /// # Errors
    /// [`RebuildError`], also if events are missing from the log: what the read model still knows of them would be lost.
    /// Nothing has changed then.
    pub fn rebuild(&self, name: &str, progress: &mut dyn FnMut(u64, u64)) -> Result<(), RebuildError> {
        let model =
            INLINE.iter().find(|model| model.name == name).ok_or_else(|| RebuildError::Unknown(name.to_owned()))?;
        let mut connection = connection::open_writer(self.path())?;
        Ok(refill(&mut connection, model, progress)?)
    }
}

/// Makes the read models that are not there, and rebuilds those whose projection has changed since.
///
/// # Errors
/// Also if a read model has seen more events than there are: they were lost, and rebuilding would hide it.
pub(in crate::sqlite) fn bring_up_to_date(connection: &mut Connection) -> Result<(), OpenError> {
    let (head, seen): (i64, i64) = connection.query_row(
        "SELECT (SELECT ifnull(max(position), 0) FROM events), (SELECT ifnull(max(position), 0) FROM projections)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if seen > head {
        return Err(OpenError::LostEvents { head, seen });
    }
    for model in &INLINE {
        let stored = model.stored_version(connection)?;
        if stored != Some(model.version) {
            if stored.is_some() {
                tracing::info!(read_model = model.name, version = model.version, "rebuilding a read model");
            }
            refill(connection, model, &mut |_, _| {}).map_err(|error| match error {
                SqlError::Sqlite(error) => OpenError::Sqlite(error),
                damaged @ SqlError::Damaged { .. } => OpenError::Damaged(damaged.into()),
            })?;
        }
    }
    Ok(())
}

fn refill(connection: &mut Connection, model: &ReadModel, progress: &mut dyn FnMut(u64, u64)) -> Result<(), SqlError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    expect_whole_streams(&tx)?;
    model.create(&tx, "temp")?;
    let head = each_event(&tx, progress, &mut |event| (model.project)(&tx, event))?;
    let name = model.name;
    tx.execute_batch(&format!("DROP TABLE IF EXISTS main.{name}"))?;
    model.create(&tx, "main")?;
    tx.execute_batch(&format!("INSERT INTO main.{name} SELECT * FROM temp.{name}; DROP TABLE temp.{name}"))?;
    (model.index_all)(&tx)?;
    model.record(&tx, head)?;
    Ok(tx.commit()?)
}

/// A stream has as many events as its last one's sequence says.
fn expect_whole_streams(connection: &Connection) -> Result<(), SqlError> {
    let sql = "SELECT aggregate_id FROM events GROUP BY aggregate_id HAVING count(*) <> max(sequence) LIMIT 1";
    let broken: Option<String> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    broken.map_or(Ok(()), |device_id| {
        let (row, why) = (format!("of device {device_id}"), "events are missing; restore a backup".to_owned());
        Err(SqlError::Damaged { table: "events", column: "sequence", row, why })
    })
}

/// Hands every event to `read`, in order; gives the last one's position.
pub(in crate::sqlite) fn each_event(
    connection: &Connection,
    progress: &mut dyn FnMut(u64, u64),
    read: &mut dyn FnMut(&Recorded<'_>) -> Result<(), SqlError>,
) -> Result<Position, SqlError> {
    let count = |row: &rusqlite::Row<'_>| Column::new("events", "count", 0).unsigned(row);
    let total: u64 = connection.query_row("SELECT count(*) FROM events", [], |row| Ok(count(row)))??;
    let columns = event_rows::COLUMNS;
    let mut statement = connection.prepare(&format!("SELECT {columns} FROM events ORDER BY position"))?;
    let mut rows = statement.query([])?;
    let mut head = Position(0);
    let mut done = 0_u64;
    while let Some(row) = rows.next()? {
        let stored = event_rows::read(row)?;
        if stored.position != head.next() {
            let column = Column::new("events", "position", 0);
            return Err(column.damaged(row, "the event before it is missing; restore a backup"));
        }
        Recorded::decode(&stored, &mut *read).map_err(|why| damaged(row, &why))??;
        head = stored.position;
        done += 1;
        if done.is_multiple_of(REPORT_EVERY) {
            progress(done, total);
        }
    }
    progress(done, total);
    Ok(head)
}

fn damaged(row: &rusqlite::Row<'_>, why: &Undecodable) -> SqlError {
    let (name, index) = match why {
        Undecodable::Event(..) => ("payload", 5),
        Undecodable::Metadata(..) => ("metadata", 6),
    };
    Column::new("events", name, index).damaged(row, &why.to_string())
}
