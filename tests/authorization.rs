//! Who may do what: every route of the OpenAPI document, for every kind of caller, against things of their own, of another
//! customer and of another tenant. A route that is not in the table fails the test, and so does a row without a route.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "authorization/callers.rs"]
mod callers;
#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use self::callers::{CALLERS, Callers};

/// A row for each route and, where it matters, each kind of thing that it is asked about.
const TABLE: &str = include_str!("authorization/table.txt");

#[tokio::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    let rows = rows();
    let callers = Callers::start().await;
    let mut wrong = Vec::new();
    for row in &rows {
        for (caller, expected) in CALLERS.into_iter().zip(&row.statuses) {
            let status = callers.ask(caller, row.method, row.path, row.body).await;
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
    let in_table: BTreeSet<_> = rows().iter().map(|row| format!("{} {}", row.method, row.route())).collect();
    let missing: Vec<_> = routes.difference(&in_table).collect();
    let unknown: Vec<_> = in_table.difference(&routes).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "not in the table: {missing:#?}\nno such route: {unknown:#?}");
}

/// A request, and the status that each of [`CALLERS`] gets for it.
struct Row {
    statuses: Vec<u16>,
    method: &'static str,
    /// With the places where ids and names of things go; see `Callers::filled`.
    path: &'static str,
    body: Option<&'static str>,
}

impl Row {
    /// The path as the document has it: without a query, and with the plain names of its parameters.
    fn route(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        path.split('/')
            .map(|segment| segment.split_once('=').map_or(segment.to_owned(), |(name, _)| format!("{name}}}")))
            .collect::<Vec<_>>()
            .join("/")
    }
}

fn rows() -> Vec<Row> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(row).collect()
}

fn row(line: &'static str) -> Row {
    let (statuses, request) = line.split_once('|').unwrap();
    let statuses: Vec<u16> = statuses.split_whitespace().map(|status| status.parse().unwrap()).collect();
    assert_eq!(statuses.len(), CALLERS.len(), "{line}");
    let mut words = request.trim().splitn(3, ' ');
    Row { statuses, method: words.next().unwrap(), path: words.next().unwrap(), body: words.next() }
}
