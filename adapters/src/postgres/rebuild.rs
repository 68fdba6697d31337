//! Fills a read model again from the log: beside the old one, then in its place.

use deadpool_postgres::{Client, GenericClient, Pool, Transaction};
use deed_domain::ids::Position;
use deed_projections::{Recorded, Undecodable};
use tokio_postgres::Row;

use super::{
    PostgresStore,
    error::{OpenError, SqlError},
    event_rows, log_end,
    read_models::{self, Changes, Difference, INLINE, ReadModel},
    values::{Column, query, query_one, signed},
};
use crate::RebuildError;

/// Events that are read and projected at once.
const PAGE: i64 = 4_096;
/// Where a read model stands while it is filled.
const ASIDE: &str = "deed_rebuild";

impl From<SqlError> for RebuildError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.into())
    }
}

impl PostgresStore {
    /// Rebuilds the read model of that name, in one transaction: who reads sees the old one or the new one, never half. Who
    /// appends waits meanwhile. `progress` is told how many events of how many are done.
    ///
    /// # Errors
    /// [`RebuildError`], also if events are missing from the log: what the read model still knows of them would be lost.
    /// Nothing has changed then.
    pub(in crate::postgres) async fn rebuild(
        &self,
        name: &str,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<(), RebuildError> {
        let model =
            INLINE.iter().find(|model| model.name == name).ok_or_else(|| RebuildError::Unknown(name.to_owned()))?;
        Ok(refill(&mut self.connection().await?, model, Refill::Always, progress).await?)
    }
}

/// Makes the read models as long as the log is empty; after that they have to be as this program fills them.
///
/// # Errors
/// Also if a read model has seen more events than there are: they were lost, and rebuilding would hide it.
pub(in crate::postgres) async fn make_or_expect(pool: &Pool) -> Result<(), OpenError> {
    let mut client = pool.get().await.map_err(SqlError::from)?;
    // Another node may have made some of them so far.
    if expect_whole_log(&client).await? == 0 {
        bring_up_to_date(&mut client, &mut |_, _, _| {}).await?;
    }
    expect(&client).await
}

async fn expect(client: &impl GenericClient) -> Result<(), OpenError> {
    match read_models::difference(client).await? {
        None => Ok(()),
        Some(Difference::Old(model)) => Err(OpenError::OldReadModel { name: model.name, version: model.version }),
        Some(Difference::New { name, version }) => Err(OpenError::NewReadModel { name, version }),
    }
}

/// Makes the read models that are not there, and rebuilds those whose projection has changed since. Programs with other
/// projections write nothing from then on. `progress` is told which one, and how many events of how many are done.
///
/// # Errors
/// As [`make_or_expect`]; nothing is rebuilt back to an older version.
pub(in crate::postgres) async fn bring_up_to_date(
    client: &mut Client,
    progress: &mut (dyn FnMut(&str, u64, u64) + Send),
) -> Result<(), OpenError> {
    expect_whole_log(client).await?;
    for model in &INLINE {
        match model.stored_version(client).await? {
            Some(version) if version > model.version => {
                return Err(OpenError::NewReadModel { name: model.name.to_owned(), version });
            }
            Some(version) if version == model.version => {}
            _ => refill(client, model, Refill::Old, &mut |done, total| progress(model.name, done, total)).await?,
        }
    }
    expect(client).await
}

/// Gives where the log ends.
async fn expect_whole_log(client: &impl GenericClient) -> Result<i64, OpenError> {
    let row = query_one(
        client,
        "SELECT (SELECT coalesce(max(position), 0) FROM events), (SELECT coalesce(max(position), 0) FROM projections)",
        &[],
    )
    .await?;
    let (head, seen): (i64, i64) = (row.get(0), row.get(1));
    if seen > head { Err(OpenError::LostEvents { head, seen }) } else { Ok(head) }
}

/// Which read models are filled again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refill {
    /// Any.
    Always,
    /// One that is not of the present version.
    Old,
}

async fn refill(
    client: &mut Client,
    model: &ReadModel,
    which: Refill,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), SqlError> {
    let tx = client.transaction().await?;
    // Nobody appends meanwhile, and of several nodes that start at once one rebuilds.
    log_end::hold(&tx).await?;
    if which == Refill::Old && model.stored_version(&tx).await? == Some(model.version) {
        return Ok(());
    }
    expect_whole_streams(&tx).await?;
    let (name, ddl) = (model.name, model.ddl);
    let schema: String = query_one(&tx, "SELECT quote_ident(current_schema())", &[]).await?.get(0);
    tx.batch_execute(&format!("CREATE SCHEMA {ASIDE}; SET LOCAL search_path = {ASIDE}, {schema}; {ddl}")).await?;
    let head = project_all(&tx, &mut *(model.changes)(), progress).await?;
    // Its indexes go with it.
    tx.batch_execute(&format!(
        "SET LOCAL search_path = {schema}; DROP TABLE IF EXISTS {name}; ALTER TABLE {ASIDE}.{name} SET SCHEMA {schema};
         DROP SCHEMA {ASIDE}"
    ))
    .await?;
    (model.index_all)(&tx).await?;
    model.record(&tx, head).await?;
    Ok(tx.commit().await?)
}

/// Makes the changes of every event, in order; gives the last one's position.
async fn project_all(
    tx: &Transaction<'_>,
    changes: &mut dyn Changes,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Position, SqlError> {
    let total = log_end::read(tx).await?.position.0;
    let columns = event_rows::COLUMNS;
    let sql = format!("SELECT {columns} FROM events WHERE position > $1 ORDER BY position LIMIT $2");
    let mut head = Position(0);
    loop {
        let rows = query(tx, &sql, &[&signed(head.0), &PAGE]).await?;
        for row in &rows {
            let stored = event_rows::read(row)?;
            if stored.position != head.next() {
                let column = Column::new("events", "position", 0);
                return Err(column.damaged(row, "the event before it is missing; restore a backup"));
            }
            Recorded::decode(&stored, |event| changes.project(event)).map_err(|why| damaged(row, &why))?;
            head = stored.position;
        }
        changes.make(tx, false).await?;
        progress(head.0, total);
        if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
            return Ok(head);
        }
    }
}

fn damaged(row: &Row, why: &Undecodable) -> SqlError {
    let (name, index) = match why {
        Undecodable::Event(..) => ("payload", 5),
        Undecodable::Metadata(..) => ("metadata", 6),
    };
    Column::new("events", name, index).damaged(row, &why.to_string())
}

/// A stream has as many events as its last one's sequence says.
async fn expect_whole_streams(client: &impl GenericClient) -> Result<(), SqlError> {
    let sql = "SELECT aggregate_id FROM events GROUP BY aggregate_id HAVING count(*) <> max(sequence) LIMIT 1";
    // It takes the longer the longer the log is.
    match client.query_opt(sql, &[]).await? {
        None => Ok(()),
        Some(broken) => {
            let row = format!("of device {}", broken.get::<_, &str>(0));
            let why = "events are missing; restore a backup".to_owned();
            Err(SqlError::Damaged { table: "events", column: "sequence", row, why })
        }
    }
}
