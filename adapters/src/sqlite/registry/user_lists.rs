//! Lists of users.

use deed_domain::ports::{Authority, ListPage, ListedUser, PageRequest, UserSort, UsersOf};
use rusqlite::{Connection, types::Value};

use super::users::{USER_COLUMNS, read_user};
use crate::{
    registry_text::fold_email,
    sqlite::{error::SqlError, values::IdText},
};

/// One page, and how many users the whole list has.
pub(super) fn page(
    connection: &Connection,
    of: UsersOf,
    page: &PageRequest<UserSort>,
) -> Result<ListPage<ListedUser>, SqlError> {
    let (scope, id) = match of {
        UsersOf::Tenant(id) => ("users.tenant_id = ?1 AND users.authority <> ?2", id.0),
        UsersOf::TenantAlone(id) => {
            ("users.tenant_id = ?1 AND users.authority <> ?2 AND users.customer_id IS NULL", id.0)
        }
        UsersOf::Customer(id) => ("users.customer_id = ?1 AND users.authority <> ?2", id.0),
    };
    let wanted = page.text_search.as_deref().map(fold_email);
    let search = if wanted.is_some() { "AND instr(users.search_text, ?3) > 0" } else { "AND ?3 IS NULL" };
    let total = connection
        .prepare_cached(&format!("SELECT count(*) FROM users WHERE {scope} {search}"))?
        .query_row((IdText::new(id), Authority::Auditor.as_str(), &wanted), |row| row.get::<_, i64>(0))?;
    let direction = if page.descending { "DESC" } else { "ASC" };
    // By property and direction from a fixed set of words; the plan does not depend on a value.
    let order = match page.sort {
        UserSort::Creation => format!("users.created_at {direction}, users.id {direction}"),
        UserSort::Email => format!("users.email_folded {direction}, users.created_at, users.id"),
        UserSort::FirstName => format!("users.first_name {direction}, users.created_at, users.id"),
        UserSort::LastName => format!("users.last_name {direction}, users.created_at, users.id"),
        UserSort::Authority => format!("users.authority {direction}, users.created_at, users.id"),
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {USER_COLUMNS}, customers.title FROM users LEFT JOIN customers ON customers.id = users.customer_id
         WHERE {scope} {search} ORDER BY {order} LIMIT ?4 OFFSET ?5",
    ))?;
    let offset = Value::Integer(i64::try_from(page.offset()).unwrap_or(i64::MAX));
    let mut rows = statement.query((IdText::new(id), Authority::Auditor.as_str(), &wanted, page.page_size, offset))?;
    let mut listed = Vec::new();
    while let Some(row) = rows.next()? {
        let (user, _) = read_user(row)?;
        listed.push(ListedUser { user, customer_title: row.get(13)? });
    }
    Ok(ListPage { rows: listed, total: u64::try_from(total).unwrap_or_default() })
}
