//! Who may do what, row by row.

use super::callers::CALLERS;

/// A row for each route and, where it matters, each kind of thing that it is asked about.
const TABLE: &str = include_str!("table.txt");

/// A request, and the status that each of [`CALLERS`] gets for it.
pub(crate) struct Row {
    pub(crate) statuses: Vec<u16>,
    pub(crate) method: &'static str,
    /// With the places where ids and names of things go; see `Callers::request`.
    pub(crate) path: &'static str,
    pub(crate) body: Option<&'static str>,
}

impl Row {
    /// The method, and the path as the OpenAPI document has it: without a query, with the plain names of its parameters.
    pub(crate) fn route(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        let plain = |segment: &str| segment.split_once('=').map_or(segment.to_owned(), |(name, _)| format!("{name}}}"));
        let path: Vec<_> = path.split('/').map(plain).collect();
        format!("{} {}", self.method, path.join("/"))
    }

    /// Whether the caller gets what it asks for.
    pub(crate) fn is_granted(&self, caller: &str) -> bool {
        let status = CALLERS.iter().zip(&self.statuses).find(|(known, _)| **known == caller).unwrap().1;
        (200..400).contains(status)
    }
}

pub(crate) fn rows() -> Vec<Row> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(row).collect()
}

fn row(line: &'static str) -> Row {
    let (statuses, request) = line.split_once('|').unwrap();
    let statuses: Vec<u16> = statuses.split_whitespace().map(|status| status.parse().unwrap()).collect();
    assert_eq!(statuses.len(), CALLERS.len(), "{line}");
    let mut words = request.trim().splitn(3, ' ');
    Row { statuses, method: words.next().unwrap(), path: words.next().unwrap(), body: words.next() }
}
