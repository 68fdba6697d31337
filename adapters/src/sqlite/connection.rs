//! Connections and their settings.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

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
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection, 4)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
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
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    prepare(&connection, 32)?;
    Ok(connection)
}
