//! Pages of the device list.
//!
//! A page is found in an index that stands in its order, from the end that is nearer. Totals of a whole tenant are counted
//! when devices change, not when they are listed.

use deadpool_postgres::{Client, GenericClient, Transaction};
use deed_domain::ports::{ListPage, PageRequest, contains_folded, fold_case};
use deed_projections::{DeviceFilter, DeviceOrder, DeviceRow, OwnedBy, SearchedIn};
use tokio_postgres::{IsolationLevel, types::ToSql};

use super::{device_index, device_list};
use crate::postgres::{
    error::SqlError,
    values::{Column, query, query_one, query_opt, signed},
};

/// One page of the list, and how many devices the whole list has.
pub(super) async fn page(
    client: &mut Client,
    filter: &DeviceFilter,
    page: &PageRequest<DeviceOrder>,
) -> Result<ListPage<DeviceRow>, SqlError> {
    if page.text_search.as_ref().is_some_and(|text| text.contains('\0')) {
        // No text of the database has that character.
        return Ok(ListPage { rows: Vec::new(), total: 0 });
    }
    // All statements see one moment.
    let moment =
        client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?;
    let list = List::of(&moment, filter, page).await?;
    let total = list.total(&moment).await?;
    let wanted = total.saturating_sub(page.offset()).min(page.page_size.into());
    let rows = if wanted == 0 { Vec::new() } else { list.part(&moment, total, page.offset(), wanted).await? };
    Ok(ListPage { rows, total })
}

/// A list, made ready to be asked for.
struct List<'a> {
    filter: &'a DeviceFilter,
    page: &'a PageRequest<DeviceOrder>,
    conditions: Vec<String>,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl<'a> List<'a> {
    async fn of(
        moment: &Transaction<'_>,
        filter: &'a DeviceFilter,
        page: &'a PageRequest<DeviceOrder>,
    ) -> Result<Self, SqlError> {
        let mut list = Self { filter, page, conditions: Vec::new(), values: Vec::new() };
        list.only("d.tenant_id", filter.tenant_id.0);
        match filter.owned_by {
            OwnedBy::Anybody => {}
            OwnedBy::Nobody => list.conditions.push("d.customer_id IS NULL".to_owned()),
            OwnedBy::Somebody => list.conditions.push("d.customer_id IS NOT NULL".to_owned()),
            OwnedBy::Customer(owner) => list.only("d.customer_id", owner.0),
        }
        if let Some(at) = filter.with_key_at {
            let at = list.value(at.0);
            let keys = format!("SELECT 1 FROM active_keys k WHERE k.device_id = d.device_id AND k.expires_at >= {at}");
            list.conditions.push(format!("EXISTS ({keys})"));
        }
        if let Some(device_type) = &filter.device_type {
            list.only("d.device_type", device_type.clone());
        } else if let Some(profile_id) = filter.profile_id {
            let sql = "SELECT name FROM device_profiles WHERE id = $1 AND tenant_id = $2";
            if let Some(row) = query_opt(moment, sql, &[&profile_id.0, &filter.tenant_id.0]).await? {
                // The index of types leads to them.
                list.only("d.device_type", Column::new("device_profiles", "name", 0).get::<String>(&row)?);
            }
        }
        if let Some(profile_id) = filter.profile_id {
            list.only("d.profile_id", profile_id.0);
        }
        if let Some(text) = &page.text_search {
            list.only_with(moment, &fold_case(text)).await?;
        }
        Ok(list)
    }

    /// How a statement names the value.
    fn value(&mut self, value: impl ToSql + Sync + Send + 'static) -> String {
        self.values.push(Box::new(value));
        format!("${}", self.values.len())
    }

    /// Only rows of which the column has the value.
    fn only(&mut self, column: &str, value: impl ToSql + Sync + Send + 'static) {
        let value = self.value(value);
        self.conditions.push(format!("{column} = {value}"));
    }

    /// Only rows with the folded text in them.
    async fn only_with(&mut self, moment: &Transaction<'_>, folded: &str) -> Result<(), SqlError> {
        let part = self.value(literal(folded));
        let mut places = vec![format!("d.name_folded LIKE {part} OR d.label_folded LIKE {part}")];
        if self.filter.searched_in == SearchedIn::TypeAndOwnerToo {
            let mut types = device_index::types(moment, self.filter.tenant_id).await?;
            types.retain(|device_type| contains_folded(device_type, folded));
            let types = self.value(types);
            places.push(format!("d.device_type = ANY({types})"));
            places.push(format!(
                "d.customer_id IN (SELECT id FROM customers WHERE tenant_id = d.tenant_id AND title_folded LIKE {part})"
            ));
        }
        self.conditions.push(format!("({})", places.join(" OR ")));
        Ok(())
    }

    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
    }

    async fn total(&self, moment: &Transaction<'_>) -> Result<u64, SqlError> {
        let DeviceFilter { tenant_id, owned_by, with_key_at, profile_id, device_type, .. } = self.filter;
        let is_of_owner_or_key = *owned_by != OwnedBy::Anybody || with_key_at.is_some();
        if !is_of_owner_or_key && profile_id.is_none() && self.page.text_search.is_none() {
            return device_index::count_of(moment, *tenant_id, device_type.as_deref()).await;
        }
        let sql = format!("SELECT count(*) FROM device_list d WHERE {}", self.conditions.join(" AND "));
        Column::new("device_list", "count", 0).unsigned(&query_one(moment, &sql, &self.values()).await?)
    }

    /// `limit` rows behind the first `offset` of `total`, counted from the nearer end.
    async fn part(
        &self,
        moment: &impl GenericClient,
        total: u64,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<DeviceRow>, SqlError> {
        let behind = total.saturating_sub(offset + limit);
        let backward = behind < offset;
        let skipped = if backward { behind } else { offset };
        let order = order(self.page.sort, self.page.descending, backward);
        let owner = if self.page.sort == DeviceOrder::OwnerTitle {
            " LEFT JOIN customers c ON c.id = d.customer_id AND c.deleting = 0"
        } else {
            ""
        };
        let (columns, conditions, values) = (device_list::COLUMNS, self.conditions.join(" AND "), self.values.len());
        let (first, second) = (values + 1, values + 2);
        let sql = format!(
            "SELECT {columns} FROM device_list d{owner} WHERE {conditions} ORDER BY {order} LIMIT ${first} OFFSET ${second}"
        );
        let (limit, skipped) = (signed(limit), signed(skipped));
        let mut values = self.values();
        values.extend([&limit as &(dyn ToSql + Sync), &skipped]);
        let found = query(moment, &sql, &values).await?;
        let mut rows: Vec<DeviceRow> = found.iter().map(device_list::read).collect::<Result<_, _>>()?;
        if backward {
            rows.reverse();
        }
        Ok(rows)
    }
}

/// By a column, then by creation. Rows without a value come last in either direction; `backward` is all of it reversed.
fn order(sort: DeviceOrder, descending: bool, backward: bool) -> String {
    let column = match sort {
        DeviceOrder::Creation => None,
        DeviceOrder::Name => Some("d.name"),
        DeviceOrder::Type => Some("d.device_type"),
        DeviceOrder::Label => Some("d.label"),
        DeviceOrder::OwnerTitle => Some("c.title"),
    };
    let direction = if descending == backward { "ASC" } else { "DESC" };
    let nulls = match sort {
        DeviceOrder::Label | DeviceOrder::OwnerTitle => {
            if backward {
                " NULLS FIRST"
            } else {
                " NULLS LAST"
            }
        }
        DeviceOrder::Creation | DeviceOrder::Name | DeviceOrder::Type => "",
    };
    let column = column.map(|column| format!("{column} {direction}{nulls}, ")).unwrap_or_default();
    format!("{column}d.position {direction}")
}

/// The pattern of texts with this part in them; no character of it has a meaning of its own.
fn literal(part: &str) -> String {
    let mut pattern = String::from("%");
    for character in part.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
