//! Connections and their settings.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use super::{error::SqlError, read_models};

/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 256;
/// How long a reader waits for the file while another process holds it.
const BUSY: Duration = Duration::from_secs(10);

/// The one connection that writes.
///
/// `synchronous=FULL` makes every commit durable before it is answered. Checkpoints are left to the writer thread, so
/// that no commit pays for one by surprise.
pub(in crate::sqlite) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    make_private(path);
    let connection = Connection::open(path)?;
    prepare(&connection, 16)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // No copies stay behind on pages that are written anyway; see `overwriting`.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    Ok(connection)
}

/// Makes the file, if it is not there, as one that nobody else reads: it holds the tokens of devices. SQLite gives its
/// companions the same mode. If it cannot be made here, opening it tells why.
fn make_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = options.open(path);
}

/// A connection that only reads. It is opened for writing, because a reader of a WAL shares its index, and then told
/// not to.
pub(in crate::sqlite) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open_file(path, OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    prepare(&connection, 4)?;
    connection.pragma_update(None, "query_only", true)?;
    read_models::add_function(&connection)?;
    Ok(connection)
}

/// Opens the file for reading and writing. A copy on a medium that cannot be written has no place for the index of a
/// write-ahead log; one that was closed in order has no such log, and is read as a file that nobody changes.
fn open_file(path: &Path, more: OpenFlags) -> rusqlite::Result<Connection> {
    let opened = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | more).and_then(|connection| {
        connection.pragma_query_value(None, "schema_version", |_| Ok(()))?;
        Ok(connection)
    });
    match opened {
        Err(error) if cannot_be_written(&error) && !log_of(path).exists() => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | more;
            immutable(path).map_or(Err(error), |uri| Connection::open_with_flags(uri, flags))
        }
        opened => opened,
    }
}

fn cannot_be_written(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// Where SQLite keeps the write-ahead log of the file.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// The file as one that does not change, in the form that SQLite asks for; `None` if the path is no text.
fn immutable(path: &Path) -> Option<String> {
    let path = path.to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Some(format!("file:{path}?immutable=1"))
}

/// Erases so that what is deleted is overwritten, not only forgotten: a person's data must not stay in free pages.
pub(in crate::sqlite) fn overwriting<T>(
    tx: &Connection,
    erase: impl FnOnce(&Connection) -> Result<T, SqlError>,
) -> Result<T, SqlError> {
    tx.pragma_update(None, "secure_delete", true)?;
    let erased = erase(tx);
    tx.pragma_update(None, "secure_delete", "FAST")?;
    erased
}

fn prepare(connection: &Connection, cache_mib: i64) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // A plan does not depend on the values that are bound; else SQLite would prepare a statement anew for new values.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Negative: KiB instead of pages.
    connection.pragma_update(None, "cache_size", -cache_mib * 1024)?;
    connection.pragma_update(None, "temp_store", "FILE")
}

/// A connection that reads the file and writes only to temporary tables of its own.
pub(in crate::sqlite) fn open_checker(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open_file(path, OpenFlags::empty())?;
    prepare(&connection, 32)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_change_is_named_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a?b#c%41.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (7)").unwrap();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(immutable(&path).unwrap(), flags).unwrap();
        assert_eq!(connection.query_row("SELECT x FROM t", [], |row| row.get(0)), Ok(7));
    }

    #[test]
    fn a_file_that_is_not_there_is_not_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("none.db");
        assert!(open_file(&path, OpenFlags::empty()).is_err() && !path.exists());
    }
}
