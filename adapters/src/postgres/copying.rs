//! A database that an installation is copied to.

use std::{pin::pin, time::Duration};

use deadpool_postgres::{Client, Pool};
use deed_domain::ports::StoreError;
use futures_util::TryStreamExt;
use tokio::time::{Instant, sleep};
use tokio_postgres::types::ToSql;

use super::{
    PostgresOptions,
    check::check,
    connection::{self, Purpose},
    error::{OpenError, SqlError, is_contradiction},
    migrations::Schema,
    rebuild,
    values::{Column, execute, query, query_one, query_opt},
};
use crate::{
    CheckReport, Progress,
    copy::{COPIED, Content, Contents, CopyError, Row, Table},
};

/// Held by whoever copies to the database: a number that nobody else uses.
const LOCK: i64 = 0x6465_6564_636f;
/// How long a copy waits for another one. What one that was killed has sent last may still be carried out.
const WAITING: Duration = Duration::from_secs(30);
/// Rows between two reports of progress.
const REPORT_EVERY: u64 = 4_096;

/// One row: what is copied here, and whether it is all here.
const DDL: &str = "
    CREATE TABLE IF NOT EXISTS copy_of (
        is_only     boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
        source      text    NOT NULL,   -- a digest of its content
        is_finished boolean NOT NULL
    )";

/// Refuses a database that holds the beginning of a copy.
pub(in crate::postgres) async fn expect_none(pool: &Pool) -> Result<(), OpenError> {
    let client = pool.get().await.map_err(SqlError::from)?;
    match state(&client).await? {
        Some((_, false)) => Err(OpenError::UnfinishedCopy),
        Some((_, true)) | None => Ok(()),
    }
}

/// What was copied there, and whether it has come to its end.
async fn state(client: &Client) -> Result<Option<(String, bool)>, SqlError> {
    let is_there = query_one(client, "SELECT to_regclass('copy_of') IS NOT NULL", &[]).await?;
    if !is_there.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = query_opt(client, "SELECT source, is_finished FROM copy_of", &[]).await?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

/// How far the copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Nothing of it is there, and nothing else.
    Not,
    /// Some of it may be there.
    Unfinished,
    /// It had come to its end.
    Finished,
}

/// A database, for this copy alone.
pub(crate) struct Target {
    pool: Pool,
    /// Has the lock, as long as it lasts.
    client: Client,
}

impl Target {
    /// Opens it, makes its schema if there is none, and takes it for this copy.
    pub(crate) async fn open(options: PostgresOptions) -> Result<Self, CopyError> {
        let server = connection::parse(&options.url)?.writable();
        let pool = connection::pool(&server, Purpose::Others(2))?;
        Schema::default().make_or_expect(&pool).await?;
        let client = pool.get().await.map_err(SqlError::from)?;
        let until = Instant::now() + WAITING;
        while !query_one(&client, "SELECT pg_try_advisory_lock($1)", &[&LOCK]).await?.get::<_, bool>(0) {
            if Instant::now() > until {
                return Err(CopyError::UnderWay);
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(Self { pool, client })
    }

    /// The columns of a table, and their types.
    pub(crate) async fn columns(&self, table: &str) -> Result<Vec<(String, String)>, StoreError> {
        let sql = "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
             WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
        let rows = query(&self.client, sql, &[&table]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// How far the copy of that source has come.
    pub(crate) async fn begun(&self, source: &str) -> Result<Begun, CopyError> {
        match state(&self.client).await? {
            Some((known, _)) if known != source => return Err(CopyError::OtherSource),
            Some((_, true)) => return Ok(Begun::Finished),
            Some((_, false)) => return Ok(Begun::Unfinished),
            None => {}
        }
        let rows: Vec<String> = COPIED.iter().map(|table| format!("EXISTS (SELECT FROM {table})")).collect();
        let is_used = format!("SELECT {}", rows.join(" OR "));
        if query_one(&self.client, &is_used, &[]).await?.get(0) { Err(CopyError::NotEmpty) } else { Ok(Begun::Not) }
    }

    /// Begins it. Read models of nothing may be there: they are filled when the log is.
    pub(crate) async fn begin(&self, source: &str) -> Result<(), StoreError> {
        let begin = format!(
            "BEGIN; {DDL}; INSERT INTO copy_of (source, is_finished) VALUES ('{source}', false); DELETE FROM projections;
             COMMIT"
        );
        Ok(self.client.batch_execute(&begin).await.map_err(SqlError::from)?)
    }

    pub(crate) async fn count(&self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let row = self.client.query_one(&sql, &[]).await.map_err(SqlError::from)?;
        Ok(Column::new(table.name, "count", 0).unsigned(&row)?)
    }

    /// Writes rows, the first of which is that one of the table.
    pub(crate) async fn insert(&self, table: &Table, rows: Vec<Row>, first: u64) -> Result<(), CopyError> {
        let last = first + rows.len() as u64 - 1;
        let mut columns: Vec<Vec<Option<String>>> = vec![Vec::with_capacity(rows.len()); table.columns.len()];
        for row in rows {
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
        let names = table.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        let typed: Vec<String> = table.columns.iter().map(|(name, of)| format!("{name}::{of}")).collect();
        let arrays: Vec<String> = (1..=columns.len()).map(|index| format!("${index}::text[]")).collect();
        let sql = format!(
            "INSERT INTO {} ({names}) SELECT {} FROM unnest({}) AS rows ({names})",
            table.name,
            typed.join(", "),
            arrays.join(", ")
        );
        let values: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|column| column as _).collect();
        match execute(&self.client, &sql, &values).await {
            Ok(_) => Ok(()),
            // What the server says of it may quote a value.
            Err(SqlError::Postgres(error)) if is_contradiction(&error) => Err(CopyError::RowRefused {
                table: table.name,
                first,
                last,
                state: error.code().map_or("?", |code| code.code()).to_owned(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// What the table holds.
    pub(crate) async fn content(
        &self,
        table: &Table,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Content, StoreError> {
        let read = |(name, of): &(String, String)| match of.as_str() {
            "boolean" => format!("{name}::int::text"),
            "bytea" => format!(r"'\x' || encode({name}, 'hex')"),
            _ => format!("{name}::text"),
        };
        let order = |key: &String| {
            let is_text = table.columns.iter().any(|(name, of)| name == key && of == "text");
            // With the table's name, as what is read is called the same, and is text.
            format!("rows.{key}{}", if is_text { r#" COLLATE "C""# } else { "" })
        };
        let sql = format!(
            "SELECT {} FROM {} AS rows ORDER BY {}",
            table.columns.iter().map(read).collect::<Vec<_>>().join(", "),
            table.name,
            table.key.iter().map(order).collect::<Vec<_>>().join(", ")
        );
        let rows = self.client.query_raw(&sql, Vec::<String>::new()).await.map_err(SqlError::from)?;
        let mut rows = pin!(rows);
        let mut contents = Contents::default();
        let mut done = 0;
        while let Some(row) = rows.try_next().await.map_err(SqlError::from)? {
            contents.add((0..row.len()).map(|index| row.get(index)));
            done += 1;
            if done % REPORT_EVERY == 0 {
                progress(done);
            }
        }
        progress(done);
        Ok(contents.finish())
    }

    /// Makes what follows from the rows: the end of the log, and the read models.
    pub(crate) async fn follow(&self, progress: Progress<'_>) -> Result<(), CopyError> {
        let end = "UPDATE log_end SET (position, recorded_at) =
             (SELECT coalesce(max(position), 0), coalesce(max(recorded_at), 0) FROM events)";
        self.client.execute(end, &[]).await.map_err(SqlError::from)?;
        let mut client = self.pool.get().await.map_err(SqlError::from)?;
        Ok(rebuild::bring_up_to_date(&mut client, &mut |_, done, total| progress(done, total)).await?)
    }

    /// Checks the log and the read models.
    pub(crate) async fn check(&self, progress: Progress<'_>) -> Result<CheckReport, StoreError> {
        Ok(check(&mut self.pool.get().await.map_err(SqlError::from)?, progress).await?)
    }

    /// Lets it be opened. What the planner is to know of it is looked up first.
    pub(crate) async fn finish(&self) -> Result<(), StoreError> {
        let finish = "ANALYZE; UPDATE copy_of SET is_finished = true";
        Ok(self.client.batch_execute(finish).await.map_err(SqlError::from)?)
    }
}

impl From<SqlError> for CopyError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.into())
    }
}
