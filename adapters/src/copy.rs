//! Moves an installation from a SQLite file into a PostgreSQL database: its log and its registry, row by row and text for text.
//!
//! A table is copied in the order of its key, in pages that each commit. What is there is therefore always the beginning of the
//! table, and a copy that was cut off goes on behind it. What follows from the rest ([`LEFT`]) is made anew. In the end both
//! sides are read whole and compared, and the new log is checked like any other. Until then the database says that it is the
//! beginning of a copy, and nothing else opens it.

use std::path::Path;

use deed_domain::ports::StoreError;
use sha2::{Digest, Sha256};

use crate::{
    CheckReport,
    postgres::{self, Begun, PostgresOptions, Target},
    sqlite::{self, Source, check_file},
};

/// The tables that are copied: the log, then what stands beside it.
pub const COPIED: [&str; 16] = [
    "events",
    "commands",
    "suppressed_refusals",
    "claimant_guesses",
    "tenants",
    "customers",
    "users",
    "login_sessions",
    "api_keys",
    "user_links",
    "device_profiles",
    "device_credentials",
    "device_registry",
    "gateway_devices",
    "attributes",
    "pepper_checks",
];

/// The tables that are not, and why.
pub const LEFT: [(&str, &str); 18] = [
    ("device_list", READ_MODEL),
    ("ownership", READ_MODEL),
    ("active_keys", READ_MODEL),
    ("claim_history", READ_MODEL),
    ("device_counts", READ_MODEL),
    ("device_search", READ_MODEL),
    ("projections", READ_MODEL),
    ("own_attributes", "follows from the attributes as they are written"),
    ("log_end", "follows from the events"),
    ("writers", NODES),
    ("device_notices", NODES),
    ("leases", NODES),
    ("due_devices", NODES),
    ("sessions", NODES),
    ("session_end", NODES),
    ("schema_version", "tells of the database's own tables"),
    ("copy_of", "tells of this copy"),
    ("room", "holds nothing but room"),
];

const READ_MODEL: &str = "is filled anew from the log";
const NODES: &str = "tells of nodes that are at work";

/// Rows that are written at once, and bytes of them.
const PAGE: (usize, usize) = (2_000, 4 << 20);

/// A row as texts, in the order of its table's columns: numbers in decimal, bytes as `\x` and hexadecimal digits.
pub(crate) type Row = Vec<Option<String>>;

/// A table as both sides have it.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Each column, and its type in PostgreSQL.
    pub(crate) columns: Vec<(String, String)>,
    /// The columns by which its rows are ordered.
    pub(crate) key: Vec<String>,
}

/// What a table holds: equal for equal rows alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) rows: u64,
    sha256: [u8; 32],
}

/// Adds up to a [`Content`], row by row in the order of the key.
#[derive(Default)]
pub(crate) struct Contents {
    rows: u64,
    digest: Sha256,
}

impl Contents {
    pub(crate) fn add<'r>(&mut self, row: impl IntoIterator<Item = Option<&'r str>>) {
        self.rows += 1;
        for value in row {
            // A value that is not there is as long as none can be.
            let length = value.map_or(u64::MAX, |value| value.len() as u64);
            self.digest.update(length.to_le_bytes());
            self.digest.update(value.unwrap_or_default());
        }
    }

    pub(crate) fn finish(self) -> Content {
        Content { rows: self.rows, sha256: self.digest.finalize().into() }
    }
}

/// What a copy does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyStep {
    /// Reads what is to be copied.
    Reading,
    /// Copies it.
    Copying,
    /// Reads what was copied.
    Comparing,
    /// Fills the read models.
    Filling,
    /// Checks the log: the file's before it is copied, and the new one.
    Checking,
}

/// What is done at the moment, and how much of how much.
pub type CopyProgress<'a> = &'a mut (dyn FnMut(CopyStep, u64, u64) + Send);

/// What was copied, and is the same on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Events of the log.
    pub events: u64,
    /// Rows beside it.
    pub rows: u64,
}

/// Why an installation was not copied, or not to its end. What has been copied stays, and the same copy goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The file cannot be opened.
    #[error("{0}")]
    Source(#[from] sqlite::OpenError),
    /// The database server cannot be used.
    #[error(transparent)]
    Target(#[from] postgres::OpenError),
    /// Either side cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database holds something else.
    #[error("the database to copy to holds something already: a copy begins in an empty one")]
    NotEmpty,
    /// What was begun was the copy of something else.
    #[error(
        "the copy in this database was begun of another content: the file has changed since, or is another one. Begin anew in \
         an empty database"
    )]
    OtherSource,
    /// Somebody writes the file.
    #[error("the file was written while it was copied: stop who does, and begin anew in an empty database")]
    SourceChanged,
    /// Another process copies to the same database.
    #[error("another copy to this database is under way")]
    UnderWay,
    /// The database refuses rows that the file has.
    #[error("table {table}: one of its rows {first} to {last} is not taken by the database (SQLSTATE {state})")]
    RowRefused {
        /// The table.
        table: &'static str,
        /// The first row of those that were to be written, in the order of the key, from 1.
        first: u64,
        /// The last one.
        last: u64,
        /// PostgreSQL's code of why.
        state: String,
    },
    /// Somebody has written the database meanwhile, or a row did not come through as it was.
    #[error(
        "table {table}: its {copied} rows in the database are not the {expected} of the file. Begin anew in an empty database"
    )]
    Differs {
        /// The table.
        table: &'static str,
        /// How many rows the file has.
        expected: u64,
        /// How many the database has.
        copied: u64,
    },
    /// The file is not whole: what was lost there would be lost for good.
    #[error("nothing is copied, as the file {}; `deed check` tells all of them", told(.0))]
    SourceFaults(CheckReport),
    /// The new log is not whole, or its read models do not follow from it.
    #[error("the copy {}", told(.0))]
    Faults(CheckReport),
}

fn told(report: &CheckReport) -> String {
    let first = report.faults.first().map_or("?", String::as_str);
    format!("has {} faults, the first: {first}", report.fault_count)
}

/// Copies the installation in the file to the database, or goes on with that. The file must have been locked: nothing may
/// write it meanwhile. Done again after its end, it finds that everything is there.
///
/// # Errors
/// [`CopyError`].
pub async fn copy(from: &Path, to: PostgresOptions, progress: CopyProgress<'_>) -> Result<Copied, CopyError> {
    let source = Source::open(from)?;
    let target = Target::open(to).await?;
    let mut tables = Vec::new();
    for name in COPIED {
        tables.push(source.table(name, target.columns(name).await?)?);
    }
    let total = tables.iter().map(|table| source.count(table)).sum::<Result<u64, _>>()?;
    let mut contents = Vec::new();
    let mut done = 0;
    for table in &tables {
        let content = source.content(table, &mut |row| progress(CopyStep::Reading, done + row, total))?;
        done += content.rows;
        contents.push(content);
    }
    let fingerprint = fingerprint(&tables, &contents);
    match target.begun(&fingerprint).await? {
        Begun::Not => {
            let report = check_file(from, &mut |done, total| progress(CopyStep::Checking, done, total))?;
            if report.fault_count > 0 {
                return Err(CopyError::SourceFaults(report));
            }
            target.begin(&fingerprint).await?;
        }
        Begun::Unfinished => {}
        Begun::Finished => {
            compare(&target, &tables, &contents, progress).await.map_err(|error| match error {
                // It has been served since.
                CopyError::Differs { .. } => CopyError::NotEmpty,
                other => other,
            })?;
            return Ok(copied(&contents));
        }
    }
    let mut done = 0;
    for table in &tables {
        let there = target.count(table).await?;
        done += there;
        let mut select = source.select(table)?;
        let mut rows = select.rows(there)?;
        let mut first = there + 1;
        loop {
            let page = rows.page(PAGE.0, PAGE.1)?;
            if page.is_empty() {
                break;
            }
            let count = page.len() as u64;
            target.insert(table, page, first).await?;
            first += count;
            done += count;
            progress(CopyStep::Copying, done, total);
        }
    }
    compare(&target, &tables, &contents, progress).await?;
    target.follow(&mut |done, total| progress(CopyStep::Filling, done, total)).await?;
    let report = target.check(&mut |done, total| progress(CopyStep::Checking, done, total)).await?;
    if report.fault_count > 0 {
        return Err(CopyError::Faults(report));
    }
    if source.has_changed()? {
        return Err(CopyError::SourceChanged);
    }
    target.finish().await?;
    Ok(copied(&contents))
}

async fn compare(
    target: &Target,
    tables: &[Table],
    contents: &[Content],
    progress: CopyProgress<'_>,
) -> Result<(), CopyError> {
    let total = contents.iter().map(|content| content.rows).sum();
    let mut done = 0;
    for (table, expected) in tables.iter().zip(contents) {
        let there = target.content(table, &mut |row| progress(CopyStep::Comparing, done + row, total)).await?;
        if there != *expected {
            return Err(CopyError::Differs { table: table.name, expected: expected.rows, copied: there.rows });
        }
        done += there.rows;
    }
    Ok(())
}

fn copied(contents: &[Content]) -> Copied {
    let (events, rows) = contents
        .split_first()
        .map_or((0, 0), |(events, others)| (events.rows, others.iter().map(|content| content.rows).sum()));
    Copied { events, rows }
}

/// By which the source of a copy is known again.
fn fingerprint(tables: &[Table], contents: &[Content]) -> String {
    let mut digest = Sha256::new();
    for (table, content) in tables.iter().zip(contents) {
        let columns: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
        digest.update(format!("{}({}) {}\n", table.name, columns.join(","), content.rows));
        digest.update(content.sha256);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(rows: &[&[Option<&str>]]) -> Content {
        let mut contents = Contents::default();
        rows.iter().for_each(|row| contents.add(row.iter().copied()));
        contents.finish()
    }

    #[test]
    fn other_rows_are_another_content() {
        let one = content(&[&[Some("a"), None], &[Some("b"), Some("")]]);
        assert_eq!(one, content(&[&[Some("a"), None], &[Some("b"), Some("")]]));
        for other in [
            content(&[&[Some("a"), Some("")], &[Some("b"), Some("")]]),
            content(&[&[Some("b"), Some("")], &[Some("a"), None]]),
            content(&[&[Some("a"), None, Some("b"), Some("")]]),
            content(&[&[Some("ab"), None], &[Some(""), Some("")]]),
            content(&[&[Some("a"), None]]),
        ] {
            assert_ne!(one, other);
        }
    }
}
