//! Reading columns.

use std::time::Duration;

use deadpool_postgres::{GenericClient, Transaction};
use tokio::time::timeout;
use tokio_postgres::{
    Row,
    types::{FromSql, ToSql},
};
use uuid::Uuid;

use super::error::SqlError;

/// Values of a statement.
pub(in crate::postgres) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// How long the server may take for an answer. What takes longer is not asked this way.
pub(in crate::postgres) const PATIENCE: Duration = Duration::from_secs(30);

/// What it answers, if it does: a server that is cut off is not always told from one that thinks.
pub(in crate::postgres) async fn within<T, E: Into<SqlError>>(
    time: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, SqlError> {
    match timeout(time, answer).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(SqlError::NotConnected("the database does not answer".to_owned())),
    }
}

/// Makes what the transaction did durable.
pub(in crate::postgres) async fn commit(tx: Transaction<'_>) -> Result<(), SqlError> {
    within(PATIENCE, tx.commit()).await
}

/// All rows.
pub(in crate::postgres) async fn query(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
) -> Result<Vec<Row>, SqlError> {
    let found = within(PATIENCE, async {
        let statement = client.prepare_cached(sql).await?;
        client.query(&statement, values).await
    });
    match found.await {
        // A value with a NUL character, which no text of the database has: nothing is like it.
        Err(error) if error.is_unlike_any_text() => Ok(Vec::new()),
        found => found,
    }
}

/// The first row, if there is one.
pub(in crate::postgres) async fn query_opt(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
) -> Result<Option<Row>, SqlError> {
    Ok(query(client, sql, values).await?.into_iter().next())
}

/// The only row.
pub(in crate::postgres) async fn query_one(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
) -> Result<Row, SqlError> {
    within(PATIENCE, async {
        let statement = client.prepare_cached(sql).await?;
        client.query_one(&statement, values).await
    })
    .await
}

/// Whether there is a row.
pub(in crate::postgres) async fn exists(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
) -> Result<bool, SqlError> {
    Ok(!query(client, sql, values).await?.is_empty())
}

/// Carries a statement out; how many rows it was about.
pub(in crate::postgres) async fn execute(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
) -> Result<u64, SqlError> {
    within(PATIENCE, async {
        let statement = client.prepare_cached(sql).await?;
        client.execute(&statement, values).await
    })
    .await
}

/// A column of one table, for reading values that know where they stand when they cannot be read.
#[derive(Clone, Copy)]
pub(in crate::postgres) struct Column {
    table: &'static str,
    name: &'static str,
    index: usize,
}

impl Column {
    pub(in crate::postgres) const fn new(table: &'static str, name: &'static str, index: usize) -> Self {
        Self { table, name, index }
    }

    pub(in crate::postgres) fn get<'a, T: FromSql<'a>>(self, row: &'a Row) -> Result<T, SqlError> {
        row.try_get(self.index).map_err(|_| self.damaged(row, "not of its type"))
    }

    pub(in crate::postgres) fn id<T: From<Uuid>>(self, row: &Row) -> Result<T, SqlError> {
        self.get::<Uuid>(row).map(T::from)
    }

    pub(in crate::postgres) fn optional_id<T: From<Uuid>>(self, row: &Row) -> Result<Option<T>, SqlError> {
        Ok(self.get::<Option<Uuid>>(row)?.map(T::from))
    }

    pub(in crate::postgres) fn word<T>(self, row: &Row, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, SqlError> {
        parse(self.get(row)?).ok_or_else(|| self.damaged(row, "not a word that this version knows"))
    }

    pub(in crate::postgres) fn optional_word<T>(
        self,
        row: &Row,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, SqlError> {
        match self.get::<Option<&str>>(row)? {
            None => Ok(None),
            Some(_) => self.word(row, parse).map(Some),
        }
    }

    /// A count or position; PostgreSQL stores it as a signed number.
    pub(in crate::postgres) fn unsigned<T: TryFrom<i64>>(self, row: &Row) -> Result<T, SqlError> {
        T::try_from(self.get::<i64>(row)?).map_err(|_| self.damaged(row, "out of range"))
    }

    /// The value cannot be read; the row is named by its first column.
    pub(in crate::postgres) fn damaged(self, row: &Row, why: &str) -> SqlError {
        let key = row
            .try_get::<_, Uuid>(0)
            .map(|id| id.to_string())
            .or_else(|_| row.try_get::<_, i64>(0).map(|number| number.to_string()))
            .or_else(|_| row.try_get::<_, String>(0))
            .unwrap_or_else(|_| "?".to_owned());
        SqlError::Damaged { table: self.table, column: self.name, row: key, why: why.to_owned() }
    }
}

/// Positions, sequences and counts as PostgreSQL stores them.
pub(in crate::postgres) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
