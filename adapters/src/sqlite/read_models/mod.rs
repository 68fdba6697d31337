//! Tables and statements of the read models, one file each: DDL, changes, queries.

mod active_keys;
mod claim_history;
mod device_index;
mod device_list;
mod device_pages;
mod device_search;
mod holdings;
mod ownership;

use deed_domain::ids::Position;
use deed_projections::{ActiveKeys, ClaimHistory, DeviceList, Ownership, Projection, Recorded};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    error::SqlError,
    values::{Column, signed},
};

pub(in crate::sqlite) use device_index::has_type;
pub(in crate::sqlite) use device_list::find_named;
pub(in crate::sqlite) use device_search::add_function;

/// A projection with a place in SQLite.
///
/// Statements name the table without its schema. A temporary table of the same name therefore takes the changes while
/// it stands: that is how a read model is rebuilt beside the old one with the very same code.
pub(in crate::sqlite) trait Table: Projection {
    /// The statements that make the table and its indexes in the schema `{schema}`.
    const DDL: &'static str;

    /// Makes one change.
    fn apply(tx: &Connection, change: &Self::Change) -> Result<(), SqlError>;

    /// Keeps what is derived from the rows and stands in tables of its own, in `main` only. Called before the change is
    /// made, so that the old row can be read.
    fn index(_tx: &Connection, _change: &Self::Change) -> Result<(), SqlError> {
        Ok(())
    }

    /// Makes it anew from the rows.
    fn index_all(_tx: &Connection) -> Result<(), SqlError> {
        Ok(())
    }

    /// How much of it does not follow from the rows.
    fn index_faults(_connection: &Connection) -> Result<u64, SqlError> {
        Ok(0)
    }
}

/// What can be done with a read model without knowing its changes.
pub(in crate::sqlite) struct ReadModel {
    pub(in crate::sqlite) name: &'static str,
    pub(in crate::sqlite) version: u32,
    pub(in crate::sqlite) ddl: &'static str,
    pub(in crate::sqlite) project: fn(&Connection, &Recorded<'_>) -> Result<(), SqlError>,
    project_and_index: fn(&Connection, &Recorded<'_>) -> Result<(), SqlError>,
    pub(in crate::sqlite) index_all: fn(&Connection) -> Result<(), SqlError>,
    pub(in crate::sqlite) index_faults: fn(&Connection) -> Result<u64, SqlError>,
}

impl ReadModel {
    const fn of<T: Table>() -> Self {
        Self {
            name: T::NAME,
            version: T::VERSION,
            ddl: T::DDL,
            project: project::<T>,
            project_and_index: project_and_index::<T>,
            index_all: T::index_all,
            index_faults: T::index_faults,
        }
    }

    /// Makes the empty table in `main` or `temp`.
    pub(in crate::sqlite) fn create(&self, connection: &Connection, schema: &str) -> rusqlite::Result<()> {
        connection.execute_batch(&self.ddl.replace("{schema}", schema))
    }

    /// Which version of the projection filled the table; `None` if there is no table.
    pub(in crate::sqlite) fn stored_version(&self, connection: &Connection) -> rusqlite::Result<Option<u32>> {
        connection
            .query_row(
                "SELECT version FROM projections WHERE name = ?1
                 AND EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1)",
                [self.name],
                |row| row.get(0),
            )
            .optional()
    }

    /// Records that the table is filled up to a position by this version.
    pub(in crate::sqlite) fn record(&self, connection: &Connection, position: Position) -> rusqlite::Result<()> {
        connection
            .execute(
                "INSERT INTO projections (name, version, position) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET version = excluded.version, position = excluded.position",
                params![self.name, self.version, signed(position.0)],
            )
            .map(drop)
    }
}

/// The read models that are written in the append's transaction.
pub(in crate::sqlite) const INLINE: [ReadModel; 4] = [
    ReadModel::of::<DeviceList>(),
    ReadModel::of::<Ownership>(),
    ReadModel::of::<ActiveKeys>(),
    ReadModel::of::<ClaimHistory>(),
];

fn project<T: Table>(tx: &Connection, event: &Recorded<'_>) -> Result<(), SqlError> {
    let mut changes = Vec::new();
    T::project(event, &mut changes);
    changes.iter().try_for_each(|change| T::apply(tx, change))
}

fn project_and_index<T: Table>(tx: &Connection, event: &Recorded<'_>) -> Result<(), SqlError> {
    let mut changes = Vec::new();
    T::project(event, &mut changes);
    changes.iter().try_for_each(|change| {
        T::index(tx, change)?;
        T::apply(tx, change)
    })
}

/// Writes the event into every inline read model.
pub(in crate::sqlite) fn project_inline(tx: &Connection, event: &Recorded<'_>) -> Result<(), SqlError> {
    INLINE.iter().try_for_each(|model| (model.project_and_index)(tx, event))
}

/// Moves the checkpoint of every inline read model to the end of the batch.
pub(in crate::sqlite) fn checkpoint_inline(tx: &Connection, position: Position) -> rusqlite::Result<()> {
    // Every row: all projections in this table are inline ones.
    tx.prepare_cached("UPDATE projections SET position = ?1")?.execute([signed(position.0)]).map(drop)
}

/// How many events each read model is behind the log.
pub(in crate::sqlite) fn lags(connection: &Connection) -> Result<Vec<(String, u64)>, SqlError> {
    connection
        .prepare_cached(
            "SELECT name, (SELECT ifnull(max(position), 0) FROM events) - position FROM projections ORDER BY name",
        )?
        .query_and_then([], |row| Ok((row.get(0)?, Column::new("projections", "position", 1).unsigned(row)?)))?
        .collect()
}
