//! Lists of users.

use deadpool_postgres::GenericClient;
use deed_domain::ports::{Authority, ListPage, ListedUser, PageRequest, UserSort, UsersOf};
use tokio_postgres::Row;

use super::{
    account_lists::{count, direction, direction_of_optional},
    users::{USER_COLUMNS, read_user},
};
use crate::{
    postgres::{
        error::SqlError,
        values::{Column, query, signed},
    },
    registry_text::fold_email,
};

/// One page, and how many users the whole list has.
pub(super) async fn page(
    client: &impl GenericClient,
    of: UsersOf,
    page: &PageRequest<UserSort>,
) -> Result<ListPage<ListedUser>, SqlError> {
    let (scope, id) = match of {
        UsersOf::Tenant(id) => ("users.tenant_id = $1 AND users.authority <> $2", id.0),
        UsersOf::TenantAlone(id) => {
            ("users.tenant_id = $1 AND users.authority <> $2 AND users.customer_id IS NULL", id.0)
        }
        UsersOf::Customer(id) => ("users.customer_id = $1 AND users.authority <> $2", id.0),
    };
    let wanted = page.text_search.as_deref().map(fold_email);
    let search = if wanted.is_some() { "AND strpos(users.search_text, $3) > 0" } else { "AND $3::text IS NULL" };
    let auditor = Authority::Auditor.as_str();
    let counting = format!("SELECT count(*) FROM users WHERE {scope} {search}");
    let total = count(client, "users", &counting, &[&id, &auditor, &wanted]).await?;
    // By property and direction from a fixed set of words; the plan does not depend on a value.
    let (direction, of_optional) = (direction(page.descending), direction_of_optional(page.descending));
    let order = match page.sort {
        UserSort::Creation => format!("users.created_at {direction}, users.id {direction}"),
        UserSort::Email => format!("users.email_folded {direction}, users.created_at, users.id"),
        UserSort::FirstName => format!("users.first_name {of_optional}, users.created_at, users.id"),
        UserSort::LastName => format!("users.last_name {of_optional}, users.created_at, users.id"),
        UserSort::Authority => {
            format!(r#"users.authority COLLATE "C" {direction}, users.created_at, users.id"#)
        }
    };
    let sql = format!(
        "SELECT {USER_COLUMNS}, customers.title FROM users LEFT JOIN customers ON customers.id = users.customer_id
         WHERE {scope} {search} ORDER BY {order} LIMIT $4 OFFSET $5",
    );
    let (size, offset) = (i64::from(page.page_size), signed(page.offset()));
    let rows = query(client, &sql, &[&id, &auditor, &wanted, &size, &offset]).await?;
    Ok(ListPage { rows: rows.iter().map(read).collect::<Result<_, _>>()?, total })
}

fn read(row: &Row) -> Result<ListedUser, SqlError> {
    let (user, _) = read_user(row)?;
    Ok(ListedUser { user, customer_title: Column::new("customers", "title", 13).get(row)? })
}
