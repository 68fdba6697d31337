//! Pages of the device list.
//!
//! A page is found in an index that stands in its order, from the end that is nearer, and only its own rows are read.
//! Totals of a whole tenant are counted when devices change, not when they are listed. What is measured and why stands in
//! `docs/adr/0012-lists-of-many-devices.md`.

use deed_domain::{
    ids::{CustomerId, ProfileId},
    ports::{ListPage, PageRequest, contains_folded},
};
use deed_projections::{DeviceFilter, DeviceOrder, DeviceRow, OwnedBy, SearchedIn};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter, types::Value};
use uuid::Uuid;

use super::{device_index, device_list, device_search::Searched};
use crate::sqlite::{
    error::SqlError,
    values::{Column, IdText, signed},
};

#[cfg(test)]
mod plans;

/// A list of one type or one owner that makes up at least this share of the tenant's devices is read in its order, skipping
/// the others; below it, its devices are sorted.
const LARGE_SHARE: u64 = 16;

const HAS_KEY: &str = "EXISTS (SELECT 1 FROM active_keys k WHERE k.device_id = d.device_id AND k.expires_at >= ?)";

/// One page of the list, and how many devices the whole list has.
pub(super) fn page(
    connection: &Connection,
    filter: &DeviceFilter,
    page: &PageRequest<DeviceOrder>,
) -> Result<ListPage<DeviceRow>, SqlError> {
    // All statements see one moment.
    let moment = connection.unchecked_transaction()?;
    let list = List::of(&moment, filter, page)?;
    let total = list.total(&moment)?;
    let wanted = total.saturating_sub(page.offset()).min(page.page_size.into());
    let positions = if wanted == 0 { Vec::new() } else { list.part(&moment, total, page.offset(), wanted)? };
    Ok(ListPage { rows: device_list::at_positions(&moment, &positions)?, total })
}

/// A list, made ready to be asked for.
struct List<'a> {
    filter: &'a DeviceFilter,
    device_type: Option<String>,
    searched: bool,
    sort: DeviceOrder,
    descending: bool,
    rows: Rows,
    /// Whether there are so few that they are sorted, rather than found in the order.
    sorted: bool,
}

/// The tables that are read, and the conditions on their rows. The device list is `d`.
#[derive(Clone, Default)]
struct Rows {
    tables: String,
    table_values: Vec<Value>,
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Rows {
    fn of(tables: &str) -> Self {
        Self { tables: tables.to_owned(), ..Self::default() }
    }

    fn only(mut self, condition: &str, values: impl IntoIterator<Item = Value>) -> Self {
        self.conditions.push(format!("({condition})"));
        self.values.extend(values);
        self
    }

    fn select(&self, what: &str) -> String {
        let conditions = self.conditions.join(" AND ");
        format!("SELECT {what} FROM {} WHERE {conditions}", self.tables)
    }

    fn values(&self) -> impl Iterator<Item = &Value> {
        self.table_values.iter().chain(&self.values)
    }

    fn count(&self, connection: &Connection) -> Result<u64, SqlError> {
        connection.prepare_cached(&self.select("count(*)"))?.query_row(params_from_iter(self.values()), |row| {
            Ok(Column::new("device_list", "count", 0).unsigned(row))
        })?
    }

    fn part_sql(&self, order: &str) -> String {
        format!("{} ORDER BY {order} LIMIT ? OFFSET ?", self.select("d.position"))
    }

    /// Positions of `limit` rows behind the first `offset` of `total`, counted from the nearer end.
    fn part(&self, connection: &Connection, order: &Order, total: u64, offset: u64, limit: u64) -> Positions {
        let behind = total.saturating_sub(offset + limit);
        let (order, skipped) = if behind < offset { (&order.backward, behind) } else { (&order.forward, offset) };
        let window = [Value::Integer(signed(limit)), Value::Integer(signed(skipped))];
        let mut statement = connection.prepare_cached(&self.part_sql(order))?;
        let found = statement.query_map(params_from_iter(self.values().chain(&window)), |row| row.get(0))?;
        let mut positions: Vec<i64> = found.collect::<Result<_, _>>()?;
        if behind < offset {
            positions.reverse();
        }
        Ok(positions)
    }
}

type Positions = Result<Vec<i64>, SqlError>;

/// The same order, from either end.
struct Order {
    forward: String,
    backward: String,
}

impl Order {
    /// By a column, then by creation. Rows without a value come last in either direction.
    fn by(column: Option<&str>, descending: bool) -> Self {
        let order = |descending: bool, nulls: &str| {
            let direction = if descending { "DESC" } else { "ASC" };
            let column = column.map(|column| format!("{column} {direction}{nulls}, ")).unwrap_or_default();
            format!("{column}d.position {direction}")
        };
        let may_be_null = matches!(column, Some("d.label" | "+d.label" | "c.title"));
        let (last, first) = if may_be_null { (" NULLS LAST", " NULLS FIRST") } else { ("", "") };
        Self { forward: order(descending, last), backward: order(!descending, first) }
    }

    /// Where every row has a value.
    fn without_nulls(&self) -> Self {
        let plain = |order: &str| order.replace(" NULLS LAST", "").replace(" NULLS FIRST", "");
        Self { forward: plain(&self.forward), backward: plain(&self.backward) }
    }
}

impl<'a> List<'a> {
    fn of(
        connection: &Connection,
        filter: &'a DeviceFilter,
        page: &PageRequest<DeviceOrder>,
    ) -> Result<Self, SqlError> {
        let device_type = device_type(connection, filter)?;
        let rows = match filter.owned_by {
            OwnedBy::Customer(owner) => {
                let rows = Rows::of("device_list d")
                    .only("d.tenant_id = ? AND d.customer_id = ?", [id(filter.tenant_id.0), id(owner.0)]);
                match Searching::new(connection, filter, page)? {
                    Some(text) => text.in_rows(rows, owner),
                    None => rows,
                }
            }
            OwnedBy::Anybody | OwnedBy::Nobody | OwnedBy::Somebody => match Searching::new(connection, filter, page)? {
                Some(text) if !text.finds_all(connection)? => text.by_index(),
                _ => Rows::of("device_list d").only("d.tenant_id = ?", [id(filter.tenant_id.0)]),
            },
        };
        let rows = match filter.owned_by {
            OwnedBy::Nobody => rows.only("d.customer_id IS NULL", []),
            OwnedBy::Somebody => rows.only("d.customer_id IS NOT NULL", []),
            OwnedBy::Anybody | OwnedBy::Customer(_) => rows,
        };
        let rows = match filter.with_key_at {
            Some(at) => rows.only(HAS_KEY, [Value::Integer(at.0)]),
            None => rows,
        };
        let mut list = Self {
            filter,
            searched: page.text_search.is_some(),
            sort: page.sort,
            descending: page.descending,
            rows,
            device_type,
            sorted: false,
        };
        list.only_of_type(connection)?;
        if matches!(filter.owned_by, OwnedBy::Customer(_)) && page.sort != DeviceOrder::Creation {
            let of_owner = list.rows.count(connection)?;
            list.sorted = list.is_small(connection, of_owner)?;
        }
        Ok(list)
    }

    fn only_of_type(&mut self, connection: &Connection) -> Result<(), SqlError> {
        let tenant_id = self.filter.tenant_id;
        if let Some(profile_id) = self.filter.profile_id {
            self.rows = self.rows.clone().only("d.profile_id = ?", [id(profile_id.0)]);
        }
        if let Some(device_type) = &self.device_type {
            let of_type = device_index::count_of(connection, tenant_id, Some(device_type))?;
            self.sorted = self.filter.owned_by == OwnedBy::Anybody && self.is_small(connection, of_type)?;
            // A plus keeps SQLite from looking the column up in an index.
            let condition = if self.sorted { "d.device_type = ?" } else { "+d.device_type = ?" };
            self.rows = self.rows.clone().only(condition, [Value::Text(device_type.clone())]);
        }
        Ok(())
    }

    fn is_small(&self, connection: &Connection, devices: u64) -> Result<bool, SqlError> {
        Ok(devices.saturating_mul(LARGE_SHARE) < device_index::count_of(connection, self.filter.tenant_id, None)?)
    }

    fn total(&self, connection: &Connection) -> Result<u64, SqlError> {
        let DeviceFilter { tenant_id, owned_by, profile_id, .. } = *self.filter;
        // A profile alone stands for its name, if it has one.
        let is_counted = profile_id.is_none() || self.filter.device_type.is_none() && self.device_type.is_some();
        if self.searched || !is_counted || self.filter.with_key_at.is_some() {
            return self.rows.count(connection);
        }
        let device_type = self.device_type.as_deref();
        match owned_by {
            OwnedBy::Anybody => device_index::count_of(connection, tenant_id, device_type),
            OwnedBy::Customer(_) | OwnedBy::Somebody => self.rows.count(connection),
            OwnedBy::Nobody => {
                let owned =
                    Rows::of("device_list d").only("d.tenant_id = ? AND d.customer_id IS NOT NULL", [id(tenant_id.0)]);
                let of_type = |rows: Rows| match device_type {
                    Some(device_type) => rows.only("+d.device_type = ?", [Value::Text(device_type.to_owned())]),
                    None => rows,
                };
                let all = device_index::count_of(connection, tenant_id, device_type)?;
                Ok(all.saturating_sub(of_type(owned).count(connection)?))
            }
        }
    }

    fn part(&self, connection: &Connection, total: u64, offset: u64, limit: u64) -> Positions {
        if self.sort == DeviceOrder::OwnerTitle && matches!(self.filter.owned_by, OwnedBy::Anybody | OwnedBy::Somebody)
        {
            return self.part_by_title(connection, total, offset, limit);
        }
        self.rows.part(connection, &Order::by(self.column(), self.descending), total, offset, limit)
    }

    /// What the list is sorted by before creation. By title only where the devices have one owner, or none.
    const fn column(&self) -> Option<&'static str> {
        match (self.sort, self.sorted) {
            (DeviceOrder::Creation | DeviceOrder::OwnerTitle, _) => None,
            (DeviceOrder::Name, false) => Some("d.name"),
            (DeviceOrder::Type, false) => Some("d.device_type"),
            (DeviceOrder::Label, false) => Some("d.label"),
            // A plus keeps SQLite from the index that stands in this order.
            (DeviceOrder::Name, true) => Some("+d.name"),
            (DeviceOrder::Type, true) => Some("+d.device_type"),
            (DeviceOrder::Label, true) => Some("+d.label"),
        }
    }

    fn part_by_title(&self, connection: &Connection, total: u64, offset: u64, limit: u64) -> Positions {
        let order = Order::by(Some("c.title"), self.descending);
        if self.searched {
            let mut rows = self.rows.clone();
            rows.tables.push_str(" LEFT JOIN customers c ON c.id = d.customer_id");
            return rows.part(connection, &order, total, offset, limit);
        }
        let (owned, others) = self.by_customer();
        let owned_total = owned.count(connection)?;
        let of_owned = owned_total.saturating_sub(offset).min(limit);
        let mut positions = Vec::new();
        if of_owned > 0 {
            positions = owned.part(connection, &order.without_nulls(), owned_total, offset, of_owned)?;
        }
        if of_owned < limit {
            let order = Order::by(None, self.descending);
            let offset = offset.saturating_sub(owned_total);
            positions.extend(others.part(connection, &order, total - owned_total, offset, limit - of_owned)?);
        }
        Ok(positions)
    }

    /// First the devices of each customer, in the order of titles, then those that have no owner, or one that is going.
    fn by_customer(&self) -> (Rows, Rows) {
        let mut owned = self.rows.clone().only("c.tenant_id = ? AND c.deleting = 0", [id(self.filter.tenant_id.0)]);
        // Or SQLite may read all of the tenant's devices for each customer.
        owned.tables = "customers c CROSS JOIN device_list d INDEXED BY device_list_by_customer \
                        ON d.tenant_id = c.tenant_id AND d.customer_id = c.id"
            .to_owned();
        let others = self.rows.clone().only(
            "d.customer_id IS NULL OR NOT EXISTS (SELECT 1 FROM customers WHERE id = d.customer_id AND deleting = 0)",
            [],
        );
        (owned, others)
    }
}

/// The type that the filter asks for, by name or by a profile of the tenant.
fn device_type(connection: &Connection, filter: &DeviceFilter) -> Result<Option<String>, SqlError> {
    if let (None, Some(ProfileId(profile_id))) = (&filter.device_type, filter.profile_id) {
        return Ok(connection
            .prepare_cached("SELECT name FROM device_profiles WHERE id = ?1 AND tenant_id = ?2")?
            .query_row([IdText::new(profile_id), IdText::new(filter.tenant_id.0)], |row| row.get(0))
            .optional()?);
    }
    Ok(filter.device_type.clone())
}

/// A text that is looked for, and what else than names and labels it is found in.
struct Searching<'a> {
    filter: &'a DeviceFilter,
    text: Searched,
    types: Vec<String>,
    owners: Vec<String>,
}

impl<'a> Searching<'a> {
    fn new(
        connection: &Connection,
        filter: &'a DeviceFilter,
        page: &PageRequest<DeviceOrder>,
    ) -> Result<Option<Self>, SqlError> {
        let Some(text) = &page.text_search else { return Ok(None) };
        let text = Searched::new(text);
        let (mut types, mut owners) = (Vec::new(), Vec::new());
        if filter.searched_in == SearchedIn::TypeAndOwnerToo {
            types = device_index::types(connection, filter.tenant_id)?;
            types.retain(|device_type| contains_folded(device_type, &text.folded));
            let mut statement = connection
                .prepare_cached("SELECT id FROM customers WHERE tenant_id = ?1 AND text_contains(title, ?2)")?;
            let found = statement.query_map(params![IdText::new(filter.tenant_id.0), text.folded], |row| row.get(0))?;
            owners = found.collect::<Result<_, _>>()?;
        }
        Ok(Some(Self { filter, text, types, owners }))
    }

    /// Whether every device of the tenant has a type with the text in it.
    fn finds_all(&self, connection: &Connection) -> Result<bool, SqlError> {
        let all = device_index::types(connection, self.filter.tenant_id)?;
        Ok(!all.is_empty() && all.len() == self.types.len())
    }

    /// The devices of a tenant with the text in them.
    fn by_index(&self) -> Rows {
        let expression = Value::Text(self.text.expression(self.filter.tenant_id));
        let by_text = Rows::of("device_search CROSS JOIN device_list d ON d.position = device_search.rowid")
            .only("device_search MATCH ?", [expression]);
        let by_text = if self.text.is_exact() { by_text } else { self.compared(by_text, false) };
        if self.types.is_empty() && self.owners.is_empty() {
            return by_text;
        }
        let tenant_id = id(self.filter.tenant_id.0);
        let by_type = Rows::of("device_list d").only(
            "d.tenant_id = ? AND d.device_type IN (SELECT value FROM json_each(?))",
            [tenant_id.clone(), json(&self.types)],
        );
        let by_owner = Rows::of("device_list d").only(
            "d.tenant_id = ? AND d.customer_id IN (SELECT value FROM json_each(?))",
            [tenant_id, json(&self.owners)],
        );
        let found = [&by_text, &by_type, &by_owner];
        let union = found.map(|rows| rows.select("d.position")).join(" UNION ");
        let mut rows = Rows::of(&format!("({union}) f CROSS JOIN device_list d ON d.position = f.position"));
        rows.table_values = found.into_iter().flat_map(Rows::values).cloned().collect();
        rows.only("true", [])
    }

    /// Of these rows of one owner, those with the text in them.
    fn in_rows(&self, rows: Rows, owner: CustomerId) -> Rows {
        let is_owners = self.owners.iter().any(|id| *id == owner.0.to_string());
        if is_owners { rows } else { self.compared(rows, true) }
    }

    fn compared(&self, rows: Rows, types_too: bool) -> Rows {
        let text = Value::Text(self.text.folded.clone());
        let contains = "text_contains(d.name, ?) OR text_contains(d.label, ?)";
        if types_too && !self.types.is_empty() {
            let condition = format!("{contains} OR d.device_type IN (SELECT value FROM json_each(?))");
            return rows.only(&condition, [text.clone(), text, json(&self.types)]);
        }
        rows.only(contains, [text.clone(), text])
    }
}

fn id(id: Uuid) -> Value {
    Value::Text(id.to_string())
}

fn json(texts: &[String]) -> Value {
    Value::Text(serde_json::Value::from(texts).to_string())
}
