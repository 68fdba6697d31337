//! JSON in text columns.

use rusqlite::{Row, types::ValueRef};
use serde_json::Value;

use crate::sqlite::{error::SqlError, values::Column};

/// The JSON of a column.
pub(super) fn read(column: Column, row: &Row<'_>) -> Result<Value, SqlError> {
    let text = row.get_ref(column.index)?.as_str().map_err(|_| column.damaged(row, "not a text"))?;
    serde_json::from_str(text)
        .map_err(|e| column.damaged(row, &format!("not JSON at line {}, column {}", e.line(), e.column())))
}

/// The JSON of a column that may be empty.
pub(super) fn read_optional(column: Column, row: &Row<'_>) -> Result<Option<Value>, SqlError> {
    if row.get_ref(column.index)? == ValueRef::Null { Ok(None) } else { read(column, row).map(Some) }
}

/// The text to store; JSON null is an empty column.
pub(super) fn text(value: Option<&Value>) -> Option<String> {
    value.filter(|value| !value.is_null()).map(Value::to_string)
}
