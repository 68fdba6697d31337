//! The rows of a file that is copied elsewhere, at one moment.

use std::path::Path;

use deed_domain::ports::StoreError;
use rusqlite::{Connection, Statement, types::ValueRef};

use super::{
    connection,
    error::{OpenError, SqlError},
    migrations,
    registry::IS_GATEWAY,
    values::Column,
};
use crate::copy::{Content, Contents, Row, Table};

/// Columns that other stores have, and the condition that they tell of.
const COMPUTED: [(&str, &str, &str); 1] = [("device_registry", "is_gateway", IS_GATEWAY)];

/// Rows between two reports of progress.
const REPORT_EVERY: u64 = 4_096;

/// A file, read at one moment.
pub(crate) struct Source {
    connection: Connection,
    /// By which the connection knows whether others have written.
    version: i64,
}

impl Source {
    /// Opens it to be read.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        if !path.exists() {
            return Err(OpenError::Missing);
        }
        let connection = connection::open_reader(path)?;
        migrations::expect_current(&connection)?;
        let version = data_version(&connection)?;
        connection.execute_batch("BEGIN; SELECT 1 FROM sqlite_schema")?;
        Ok(Self { connection, version })
    }

    /// Whether somebody has written since it was opened. The moment is over.
    pub(crate) fn has_changed(&self) -> Result<bool, StoreError> {
        let ended = self.connection.execute_batch("COMMIT").and_then(|()| data_version(&self.connection));
        Ok(ended.map_err(SqlError::from)? != self.version)
    }

    /// The table, with the columns that it has elsewhere.
    pub(crate) fn table(&self, name: &'static str, columns: Vec<(String, String)>) -> Result<Table, StoreError> {
        let read = || -> rusqlite::Result<Vec<(String, u32)>> {
            let mut info = self.connection.prepare("SELECT name, pk FROM pragma_table_info(?1) ORDER BY pk")?;
            info.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let here = read().map_err(SqlError::from)?;
        let is_here = |column: &str| here.iter().any(|(name, _)| name == column) || computed(name, column).is_some();
        let is_there = |column: &str| columns.iter().any(|(name, _)| name == column);
        let lacking = columns.iter().map(|(column, _)| column).find(|column| !is_here(column));
        if let Some(column) = lacking.or(here.iter().map(|(column, _)| column).find(|column| !is_there(column))) {
            return Err(StoreError::Corrupt(format!("table {name}: only one side has the column {column}")));
        }
        let key = here.into_iter().filter(|(_, place)| *place > 0).map(|(column, _)| column).collect();
        Ok(Table { name, columns, key })
    }

    pub(crate) fn count(&self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let count = self.connection.query_row(&sql, [], |row| Ok(Column::new(table.name, "count", 0).unsigned(row)));
        Ok(count.map_err(SqlError::from)??)
    }

    /// What the table holds.
    pub(crate) fn content(&self, table: &Table, progress: &mut dyn FnMut(u64)) -> Result<Content, StoreError> {
        let mut select = self.select(table)?;
        let mut rows = select.rows(0)?;
        let mut contents = Contents::default();
        let mut done = 0;
        while let Some(row) = rows.next()? {
            contents.add(row.iter().map(Option::as_deref));
            done += 1;
            if done % REPORT_EVERY == 0 {
                progress(done);
            }
        }
        progress(done);
        Ok(contents.finish())
    }

    /// What reads the table's rows, in the order of its key.
    pub(crate) fn select(&self, table: &Table) -> Result<Select<'_>, StoreError> {
        let column = |(name, _): &(String, String)| {
            computed(table.name, name).map_or_else(|| name.clone(), |condition| format!("({condition}) IS TRUE"))
        };
        let columns: Vec<String> = table.columns.iter().map(column).collect();
        // The name by which what is computed calls the only table that has something computed.
        let sql =
            format!("SELECT {} FROM {} AS registry ORDER BY {}", columns.join(", "), table.name, table.key.join(", "));
        Ok(Select { statement: self.connection.prepare(&sql).map_err(SqlError::from)?, table: table.name })
    }
}

fn computed(table: &str, column: &str) -> Option<&'static str> {
    COMPUTED.iter().find(|(of, name, _)| (*of, *name) == (table, column)).map(|(_, _, expression)| *expression)
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

/// What reads a table.
pub(crate) struct Select<'s> {
    statement: Statement<'s>,
    table: &'static str,
}

impl Select<'_> {
    /// The rows behind so many.
    pub(crate) fn rows(&mut self, skipped: u64) -> Result<Rows<'_>, StoreError> {
        let columns = self.statement.column_count();
        let mut rows = self.statement.query([]).map_err(SqlError::from)?;
        for _ in 0..skipped {
            rows.next().map_err(SqlError::from)?;
        }
        Ok(Rows { rows, columns, table: self.table })
    }
}

/// Rows of a table that are still to be read.
pub(crate) struct Rows<'s> {
    rows: rusqlite::Rows<'s>,
    columns: usize,
    table: &'static str,
}

impl Rows<'_> {
    /// The next ones, at most so many, and so many bytes if one is not more already; none at the end.
    pub(crate) fn page(&mut self, most: usize, most_bytes: usize) -> Result<Vec<Row>, StoreError> {
        let (mut page, mut bytes) = (Vec::new(), 0);
        while page.len() < most && bytes < most_bytes {
            let Some(row) = self.next()? else { break };
            bytes += row.iter().flatten().map(String::len).sum::<usize>();
            page.push(row);
        }
        Ok(page)
    }

    fn next(&mut self) -> Result<Option<Row>, StoreError> {
        let Some(row) = self.rows.next().map_err(SqlError::from)? else { return Ok(None) };
        let value = |index| {
            let value = row.get_ref(index).map_err(SqlError::from)?;
            text(value).ok_or_else(|| Column::new(self.table, "value", index).damaged(row, "no text").into())
        };
        (0..self.columns).map(value).collect::<Result<_, StoreError>>().map(Some)
    }
}

/// A value in the form in which it travels; `None` if it has none.
fn text(value: ValueRef<'_>) -> Option<Option<String>> {
    match value {
        ValueRef::Null => Some(None),
        ValueRef::Integer(number) => Some(Some(number.to_string())),
        ValueRef::Text(text) => String::from_utf8(text.to_vec()).ok().map(Some),
        ValueRef::Blob(bytes) => {
            let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
            Some(Some(std::iter::once("\\x".to_owned()).chain(digits).collect()))
        }
        ValueRef::Real(_) => None,
    }
}
