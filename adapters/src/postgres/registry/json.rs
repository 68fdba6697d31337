//! JSON in text columns.

use serde_json::Value;
use tokio_postgres::Row;

use crate::{
    postgres::{error::SqlError, values::Column},
    registry_text::parse_json,
};

/// The JSON of a column.
pub(super) fn read(column: Column, row: &Row) -> Result<Value, SqlError> {
    parse_json(column.get(row)?).map_err(|why| column.damaged(row, &why))
}

/// The JSON of a column that may be empty.
pub(super) fn read_optional(column: Column, row: &Row) -> Result<Option<Value>, SqlError> {
    if column.get::<Option<&str>>(row)?.is_none() { Ok(None) } else { read(column, row).map(Some) }
}
