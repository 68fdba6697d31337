//! How ids and texts stand in columns: readable with any SQLite tool.

use rusqlite::{
    Row, ToSql,
    types::{ToSqlOutput, ValueRef},
};
use uuid::Uuid;

use super::error::SqlError;

/// A UUID as its 36 characters, without an allocation.
pub(in crate::sqlite) struct IdText([u8; 36]);

impl IdText {
    pub(in crate::sqlite) fn new(id: Uuid) -> Self {
        let mut text = [0; 36];
        id.as_hyphenated().encode_lower(&mut text);
        Self(text)
    }
}

impl ToSql for IdText {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

/// A column of one table, for reading values that know where they stand when they cannot be read.
#[derive(Clone, Copy)]
pub(in crate::sqlite) struct Column {
    pub(in crate::sqlite) table: &'static str,
    pub(in crate::sqlite) name: &'static str,
    pub(in crate::sqlite) index: usize,
}

impl Column {
    pub(in crate::sqlite) const fn new(table: &'static str, name: &'static str, index: usize) -> Self {
        Self { table, name, index }
    }

    pub(in crate::sqlite) fn id<T: From<Uuid>>(self, row: &Row<'_>) -> Result<T, SqlError> {
        let text = row.get_ref(self.index)?.as_str().map_err(|_| self.damaged(row, "not a text"))?;
        Uuid::parse_str(text).map(T::from).map_err(|_| self.damaged(row, "not a UUID"))
    }

    pub(in crate::sqlite) fn optional_id<T: From<Uuid>>(self, row: &Row<'_>) -> Result<Option<T>, SqlError> {
        if row.get_ref(self.index)? == ValueRef::Null { Ok(None) } else { self.id(row).map(Some) }
    }

    pub(in crate::sqlite) fn word<T>(
        self,
        row: &Row<'_>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, SqlError> {
        let text = row.get_ref(self.index)?.as_str().map_err(|_| self.damaged(row, "not a text"))?;
        parse(text).ok_or_else(|| self.damaged(row, "not a word that this version knows"))
    }

    pub(in crate::sqlite) fn optional_word<T>(
        self,
        row: &Row<'_>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, SqlError> {
        if row.get_ref(self.index)? == ValueRef::Null { Ok(None) } else { self.word(row, parse).map(Some) }
    }

    /// A count or position; SQLite stores it as a signed number.
    pub(in crate::sqlite) fn unsigned<T: TryFrom<i64>>(self, row: &Row<'_>) -> Result<T, SqlError> {
        let number: i64 = row.get(self.index)?;
        T::try_from(number).map_err(|_| self.damaged(row, "out of range"))
    }

    /// The value cannot be read; the row is named by its first column.
    pub(in crate::sqlite) fn damaged(self, row: &Row<'_>, why: &str) -> SqlError {
        let key = match row.get_ref(0) {
            Ok(ValueRef::Integer(number)) => number.to_string(),
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            Ok(_) | Err(_) => "?".to_owned(),
        };
        SqlError::Damaged { table: self.table, column: self.name, row: key, why: why.to_owned() }
    }
}

/// Positions, sequences and counts as SQLite stores them.
pub(in crate::sqlite) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
