//! Who may do what: every route of the OpenAPI document, for every kind of caller, against things of their own, of another
//! customer and of another tenant; and that no answer tells of what is none of the caller's business. A route that is not in the
//! table fails the test, and so does a row without a route.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "authorization/callers.rs"]
mod callers;
#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "authorization/table.rs"]
mod table;

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use self::{
    callers::{CALLERS, Callers},
    table::{Row, rows},
};

#[tokio::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    let rows = rows();
    let callers = Callers::start().await;
    let mut wrong = Vec::new();
    for row in &rows {
        for (caller, expected) in CALLERS.into_iter().zip(&row.statuses) {
            let (status, leaked) = callers.ask(caller, row).await;
            if !leaked.is_empty() {
                wrong.push(format!("{} {} tells {caller} of {leaked:?}", row.method, row.path));
            }
            if status.as_u16() != *expected {
                wrong.push(format!("{} {} as {caller}: {status} and not {expected}", row.method, row.path));
            }
        }
    }
    assert!(wrong.is_empty(), "other than in tests/authorization/table.txt:\n  {}", wrong.join("\n  "));
}

#[test]
fn the_table_has_every_route_and_no_other() {
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut routes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            routes.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let in_table: BTreeSet<_> = rows().iter().map(Row::route).collect();
    let missing: Vec<_> = routes.difference(&in_table).collect();
    let unknown: Vec<_> = in_table.difference(&routes).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "not in the table: {missing:#?}\nno such route: {unknown:#?}");
}
