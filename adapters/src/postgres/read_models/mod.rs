//! Tables and statements of the read models, one file each: DDL, changes, queries.

mod active_keys;
mod claim_history;
mod device_index;
mod device_list;
mod device_pages;
mod holdings;
mod ownership;

use async_trait::async_trait;
use deadpool_postgres::{GenericClient, Transaction};
use deed_domain::ids::Position;
use deed_projections::{ActiveKeys, ClaimHistory, DeviceList, Ownership, Projection, Recorded};
use tokio_postgres::Row;

use super::{
    error::SqlError,
    plan::{Change, Plan},
    values::{Column, execute, query, query_opt, signed},
};

pub(in crate::postgres) use active_keys::forget_taken;
pub(in crate::postgres) use device_index::has_type;
pub(in crate::postgres) use device_list::find_named;

/// A projection with a place in PostgreSQL.
///
/// Statements name the table without its schema: a read model is rebuilt beside the old one by the very same code, with a
/// schema of that moment ahead in the search path.
#[async_trait]
pub(in crate::postgres) trait Table: Projection<Change: Change + Send + Sync> + Send {
    /// The statements that make the table and its indexes.
    const DDL: &'static str;

    /// Makes changes of one kind, in one statement.
    async fn apply(tx: &Transaction<'_>, changes: &[Self::Change]) -> Result<(), SqlError>;

    /// Keeps what is derived from the rows and stands in tables of its own. Called before the changes are made, so that the
    /// old rows can be read.
    async fn index(_tx: &Transaction<'_>, _changes: &[Self::Change]) -> Result<(), SqlError> {
        Ok(())
    }

    /// Makes it anew from the rows.
    async fn index_all(_tx: &Transaction<'_>) -> Result<(), SqlError> {
        Ok(())
    }

    /// How much of it does not follow from the rows.
    async fn index_faults(_tx: &Transaction<'_>) -> Result<u64, SqlError> {
        Ok(0)
    }
}

/// The changes that events make in a read model, gathered.
#[async_trait]
pub(in crate::postgres) trait Changes: Send {
    /// Adds those of an event.
    fn project(&mut self, event: &Recorded<'_>);
    /// Makes them; what is derived from the rows follows if `indexed`.
    async fn make(&mut self, tx: &Transaction<'_>, indexed: bool) -> Result<(), SqlError>;
}

struct Of<T: Table>(Plan<T::Change>);

#[async_trait]
impl<T: Table> Changes for Of<T> {
    fn project(&mut self, event: &Recorded<'_>) {
        let mut changes = Vec::new();
        T::project(event, &mut changes);
        changes.into_iter().for_each(|change| self.0.push(change));
    }

    async fn make(&mut self, tx: &Transaction<'_>, indexed: bool) -> Result<(), SqlError> {
        let plan = std::mem::take(&mut self.0);
        for group in plan.groups() {
            if indexed {
                T::index(tx, group).await?;
            }
            T::apply(tx, group).await?;
        }
        Ok(())
    }
}

type Work<'a, T> = futures_util::future::BoxFuture<'a, Result<T, SqlError>>;

/// What can be done with a read model without knowing its changes.
pub(in crate::postgres) struct ReadModel {
    pub(in crate::postgres) name: &'static str,
    pub(in crate::postgres) version: u32,
    pub(in crate::postgres) ddl: &'static str,
    /// None yet.
    pub(in crate::postgres) changes: fn() -> Box<dyn Changes>,
    pub(in crate::postgres) index_all: for<'a> fn(&'a Transaction<'_>) -> Work<'a, ()>,
    pub(in crate::postgres) index_faults: for<'a> fn(&'a Transaction<'_>) -> Work<'a, u64>,
}

impl ReadModel {
    const fn of<T: Table + 'static>() -> Self {
        Self {
            name: T::NAME,
            version: T::VERSION,
            ddl: T::DDL,
            changes: || Box::new(Of::<T>(Plan::default())),
            index_all: |tx| T::index_all(tx),
            index_faults: |tx| T::index_faults(tx),
        }
    }

    /// Which version of the projection filled the table; `None` if there is no table.
    pub(in crate::postgres) async fn stored_version(
        &self,
        client: &impl GenericClient,
    ) -> Result<Option<u32>, SqlError> {
        let sql = "SELECT name, version FROM projections WHERE name = $1 AND to_regclass($1) IS NOT NULL";
        let row = query_opt(client, sql, &[&self.name]).await?;
        row.map(|row| Column::new("projections", "version", 1).unsigned(&row)).transpose()
    }

    /// Records that the table is filled up to a position by this version.
    pub(in crate::postgres) async fn record(
        &self,
        client: &impl GenericClient,
        position: Position,
    ) -> Result<(), SqlError> {
        execute(
            client,
            "INSERT INTO projections (name, version, position) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET version = excluded.version, position = excluded.position",
            &[&self.name, &i64::from(self.version), &signed(position.0)],
        )
        .await
        .map(drop)
    }
}

/// The read models that are written in the append's transaction.
pub(in crate::postgres) static INLINE: [ReadModel; 4] = [
    ReadModel::of::<DeviceList>(),
    ReadModel::of::<Ownership>(),
    ReadModel::of::<ActiveKeys>(),
    ReadModel::of::<ClaimHistory>(),
];

/// Moves the checkpoint of every inline read model to the end of the batch. Where they are not those of this program, which
/// has filled none but its own, nothing may be written.
pub(in crate::postgres) async fn checkpoint_inline(
    client: &impl GenericClient,
    position: Position,
) -> Result<(), SqlError> {
    // Every row: all projections in this table are inline ones.
    let sql = "UPDATE projections SET position = $1 RETURNING name, version";
    let found = query(client, sql, &[&signed(position.0)]).await?;
    if difference_of(&found)?.is_some() { Err(SqlError::Superseded) } else { Ok(()) }
}

/// How the read models that are there differ from those of this program.
pub(in crate::postgres) enum Difference {
    /// It is not there, or older.
    Old(&'static ReadModel),
    /// This program does not know it, or only an older version.
    New { name: String, version: u32 },
}

/// The first difference between the read models that are there and those of this program.
pub(in crate::postgres) async fn difference(client: &impl GenericClient) -> Result<Option<Difference>, SqlError> {
    let sql = "SELECT name, version FROM projections WHERE to_regclass(name) IS NOT NULL";
    difference_of(&query(client, sql, &[]).await?)
}

fn difference_of(recorded: &[Row]) -> Result<Option<Difference>, SqlError> {
    let column = |name, index| Column::new("projections", name, index);
    let mut missing: Vec<&'static ReadModel> = INLINE.iter().collect();
    for row in recorded {
        let (name, version): (&str, u32) = (column("name", 0).get(row)?, column("version", 1).unsigned(row)?);
        match missing.iter().position(|model| model.name == name && model.version >= version) {
            Some(place) if missing[place].version == version => drop(missing.swap_remove(place)),
            Some(place) => return Ok(Some(Difference::Old(missing[place]))),
            None => return Ok(Some(Difference::New { name: name.to_owned(), version })),
        }
    }
    Ok(missing.first().copied().map(Difference::Old))
}

/// How many events each read model is behind the log.
pub(in crate::postgres) async fn lags(client: &impl GenericClient) -> Result<Vec<(String, u64)>, SqlError> {
    let sql = "SELECT name, (SELECT position FROM log_end) - position FROM projections ORDER BY name";
    let column = |name, index| Column::new("projections", name, index);
    let rows = query(client, sql, &[]).await?;
    rows.iter().map(|row| Ok((column("name", 0).get(row)?, column("position", 1).unsigned(row)?))).collect()
}
