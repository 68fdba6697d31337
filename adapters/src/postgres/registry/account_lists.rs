//! What the tables of customers and of tenants have in common, and all lists.

use deadpool_postgres::GenericClient;
use deed_domain::ports::{AccountSort, Contact, PageRequest};
use tokio_postgres::Row;

use super::json;
use crate::{
    postgres::{
        error::SqlError,
        values::{Column, Values, query_one, signed},
    },
    registry_text::fold_title,
};

/// The contact in a column.
pub(super) fn read_contact(column: Column, row: &Row) -> Result<Contact, SqlError> {
    let Some(value) = json::read_optional(column, row)? else { return Ok(Contact::default()) };
    serde_json::from_value(value).map_err(|_| column.damaged(row, "not a contact"))
}

/// How many rows of the table a statement has counted.
pub(super) async fn count(
    client: &impl GenericClient,
    table: &'static str,
    sql: &str,
    values: Values<'_>,
) -> Result<u64, SqlError> {
    Column::new(table, "count", 0).unsigned(&query_one(client, sql, values).await?)
}

/// The direction of an order by a column that is never empty.
pub(super) const fn direction(descending: bool) -> &'static str {
    if descending { "DESC" } else { "ASC" }
}

/// The direction of an order by a column that may be empty: an empty one is the smallest.
pub(super) const fn direction_of_optional(descending: bool) -> &'static str {
    if descending { "DESC NULLS LAST" } else { "ASC NULLS FIRST" }
}

/// What a statement needs for a page of a list: the order of its rows, what is searched, its first row. Nothing in the
/// order comes from outside.
pub(super) struct PageOf {
    pub(super) order: String,
    pub(super) search: Option<String>,
    pub(super) size: i64,
    pub(super) offset: i64,
}

impl PageOf {
    pub(super) fn new(page: &PageRequest<AccountSort>) -> Self {
        let direction = direction(page.descending);
        let order = match page.sort {
            AccountSort::Creation => format!("created_at {direction}, id {direction}"),
            AccountSort::Title => format!("title {direction}, created_at, id"),
            // PostgreSQL reads no member of a JSON that has a NUL character anywhere.
            AccountSort::Contact(field) => format!(
                r#"(CASE WHEN strpos(contact, '\u0000') = 0 THEN contact::json ->> '{}' END) COLLATE "C" {},
                created_at, id"#,
                field.as_str(),
                direction_of_optional(page.descending)
            ),
        };
        Self {
            order,
            search: page.text_search.as_deref().map(fold_title),
            size: i64::from(page.page_size),
            offset: signed(page.offset()),
        }
    }
}
