//! How SQLite finds pages of the device list: in an index that stands in the page's order, never by sorting a tenant.

use std::sync::Arc;

use deed_domain::{
    ids::TenantId,
    ports::{Clock, PageRequest},
    time::Timestamp,
};
use tempfile::TempDir;

use super::*;
use crate::sqlite::{SqliteOptions, SqliteStore, connection::open_reader};

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
const OWNER: CustomerId = CustomerId(Uuid::from_u128(2));
const ORDERS: [(DeviceOrder, &str); 5] = [
    (DeviceOrder::Creation, "device_list_by_creation"),
    (DeviceOrder::Name, "device_list_by_name"),
    (DeviceOrder::Type, "device_list_by_type"),
    (DeviceOrder::Label, "device_list_by_label"),
    (DeviceOrder::OwnerTitle, "device_list_by_customer"),
];

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

/// A tenant that has many devices of a common type and few of a rare one, as far as plans are concerned.
fn database() -> (TempDir, Connection) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deed.db");
    drop(SqliteStore::open(SqliteOptions::new(&path), Arc::new(Noon)).unwrap());
    let writer = Connection::open(&path).unwrap();
    for (device_type, count) in [("common", 1_000_000), ("rare", 10)] {
        let row = params![IdText::new(TENANT.0), device_type, count];
        writer.execute("INSERT INTO device_counts (tenant_id, device_type, count) VALUES (?1, ?2, ?3)", row).unwrap();
    }
    (directory, open_reader(&path).unwrap())
}

fn plan(connection: &Connection, rows: &Rows, order: &str) -> String {
    let window = [Value::Integer(10), Value::Integer(0)];
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", rows.part_sql(order))).unwrap();
    let steps = statement.query_map(params_from_iter(rows.values().chain(&window)), |row| row.get::<_, String>(3));
    steps.unwrap().map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

/// The plans of all statements that find positions of that list, from either end.
fn plans(connection: &Connection, filter: &DeviceFilter, sort: DeviceOrder, text: Option<&str>) -> Vec<String> {
    let mut plans = Vec::new();
    for descending in [false, true] {
        let page = PageRequest { page: 0, page_size: 10, text_search: text.map(str::to_owned), sort, descending };
        let list = List::of(connection, filter, &page).unwrap();
        let parts = if sort == DeviceOrder::OwnerTitle {
            let (owned, others) = list.by_customer();
            vec![(owned, Order::by(Some("c.title"), descending).without_nulls()), (others, Order::by(None, descending))]
        } else {
            vec![(list.rows.clone(), Order::by(list.column(), descending))]
        };
        for (rows, order) in parts {
            plans.extend([&order.forward, &order.backward].map(|order| plan(connection, &rows, order)));
        }
    }
    plans
}

fn of_tenant() -> DeviceFilter {
    DeviceFilter::of_tenant(TENANT)
}

#[test]
fn a_tenants_devices_are_read_in_their_order() {
    let (_directory, connection) = database();
    let of_type = |name: &str| DeviceFilter { device_type: Some(name.to_owned()), ..of_tenant() };
    let unowned = DeviceFilter { owned_by: OwnedBy::Nobody, ..of_tenant() };
    let somebodys = DeviceFilter { owned_by: OwnedBy::Somebody, ..of_tenant() };
    let open = DeviceFilter { owned_by: OwnedBy::Nobody, with_key_at: Some(Timestamp(0)), ..of_tenant() };
    let of_profile = DeviceFilter { profile_id: Some(ProfileId(Uuid::from_u128(3))), ..of_tenant() };
    for filter in [of_tenant(), of_type("common"), unowned, somebodys, open, of_profile] {
        for (sort, index) in ORDERS {
            let plans = plans(&connection, &filter, sort, None);
            for plan in &plans {
                assert!(!plan.contains("ORDER BY") && !plan.contains("SCAN"), "{sort:?} {filter:?}: {plan}");
            }
            assert!(plans.iter().any(|plan| plan.contains(index)), "{sort:?} {filter:?}: {plans:#?}");
        }
    }
}

#[test]
fn few_devices_of_a_type_or_of_an_owner_are_found_by_it() {
    let (_directory, connection) = database();
    let rare = DeviceFilter { device_type: Some("rare".to_owned()), ..of_tenant() };
    let owned = DeviceFilter { owned_by: OwnedBy::Customer(OWNER), ..of_tenant() };
    for (filter, index) in [(rare, "device_list_by_type"), (owned, "device_list_by_customer")] {
        for sort in [DeviceOrder::Creation, DeviceOrder::Name, DeviceOrder::Type, DeviceOrder::Label] {
            for plan in plans(&connection, &filter, sort, None) {
                assert!(plan.contains(index), "{sort:?} {filter:?}: {plan}");
            }
        }
    }
}

#[test]
fn texts_are_found_in_their_index() {
    let (_directory, connection) = database();
    let all_fields = DeviceFilter { searched_in: SearchedIn::TypeAndOwnerToo, ..of_tenant() };
    for filter in [of_tenant(), all_fields] {
        for sort in [DeviceOrder::Creation, DeviceOrder::Name, DeviceOrder::Type, DeviceOrder::Label] {
            for plan in plans(&connection, &filter, sort, Some("abc")) {
                assert!(
                    plan.contains("SCAN device_search VIRTUAL TABLE") && !plan.contains("SCAN d "),
                    "{sort:?} {filter:?}: {plan}"
                );
            }
        }
    }
}
