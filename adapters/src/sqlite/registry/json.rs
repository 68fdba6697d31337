//! JSON in text columns.

use rusqlite::{Row, types::ValueRef};
use serde_json::Value;

use crate::{
    registry_text::parse_json,
    sqlite::{error::SqlError, values::Column},
};

/// The JSON of a column.
pub(super) fn read(column: Column, row: &Row<'_>) -> Result<Value, SqlError> {
    let text = row.get_ref(column.index)?.as_str().map_err(|_| column.damaged(row, "not a text"))?;
    parse_json(text).map_err(|why| column.damaged(row, &why))
}

/// The JSON of a column that may be empty.
pub(super) fn read_optional(column: Column, row: &Row<'_>) -> Result<Option<Value>, SqlError> {
    if row.get_ref(column.index)? == ValueRef::Null { Ok(None) } else { read(column, row).map(Some) }
}
