//! What the tables of customers and of tenants have in common.

use deed_domain::ports::{AccountSort, Contact, PageRequest};
use rusqlite::{Row, types::Value};

use super::json;
use crate::{
    registry_text::fold_title,
    sqlite::{error::SqlError, values::Column},
};

/// The contact in a column.
pub(super) fn read_contact(column: Column, row: &Row<'_>) -> Result<Contact, SqlError> {
    let Some(value) = json::read_optional(column, row)? else { return Ok(Contact::default()) };
    serde_json::from_value(value).map_err(|_| column.damaged(row, "not a contact"))
}

/// What a statement needs for a page of a list: the order of its rows, what is searched, its first row. Nothing in the
/// order comes from outside.
pub(super) struct PageOf {
    pub(super) order: String,
    pub(super) search: Option<String>,
    pub(super) size: u32,
    pub(super) offset: Value,
}

impl PageOf {
    pub(super) fn new(page: &PageRequest<AccountSort>) -> Self {
        let direction = if page.descending { "DESC" } else { "ASC" };
        let order = match page.sort {
            AccountSort::Creation => format!("created_at {direction}, id {direction}"),
            AccountSort::Title => format!("title {direction}, created_at, id"),
            AccountSort::Contact(field) => {
                format!("contact ->> '$.{}' {direction}, created_at, id", field.as_str())
            }
        };
        Self {
            order,
            search: page.text_search.as_deref().map(fold_title),
            size: page.page_size,
            offset: Value::Integer(i64::try_from(page.offset()).unwrap_or(i64::MAX)),
        }
    }
}
