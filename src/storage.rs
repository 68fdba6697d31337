//! The configured database, opened.

use std::{fs::File, path::Path, sync::Arc};

use deed_adapters::{
    Store,
    postgres::{PostgresOptions, PostgresStore},
    sqlite::{OpenError, SqliteOptions, SqliteStore},
    surroundings::SystemClock,
};

use crate::{
    cli::CliError,
    config::{DATABASE_FILE, ServerUrl, StorageSettings},
    data_dir::{DataDir, lock_database},
};

/// Opens it to be written; a new one is made.
///
/// # Errors
/// [`CliError`].
pub(crate) async fn open(storage: &StorageSettings) -> Result<Arc<dyn Store>, CliError> {
    open_for(storage, false).await
}

/// Opens it to be read, beside a server that may be writing it.
///
/// # Errors
/// [`CliError`], also if there is none.
pub(crate) async fn open_read_only(storage: &StorageSettings) -> Result<Arc<dyn Store>, CliError> {
    open_for(storage, true).await
}

async fn open_for(storage: &StorageSettings, read_only: bool) -> Result<Arc<dyn Store>, CliError> {
    if let Some((url, options)) = server(storage) {
        let options = if read_only { options.read_only() } else { options };
        let store = PostgresStore::open(options, None).await;
        return Ok(Arc::new(store.map_err(|why| CliError::OpenServer { url: url.clone(), why })?));
    }
    let path = storage.database_file();
    let options = if read_only { SqliteOptions::read_only(&path) } else { SqliteOptions::new(&path) };
    let store = SqliteStore::open(options, Arc::new(SystemClock));
    Ok(Arc::new(store.map_err(|why| CliError::Open { path, why })?))
}

/// Where it is and how it is opened, if it is on a server.
pub(crate) fn server(storage: &StorageSettings) -> Option<(&ServerUrl, PostgresOptions)> {
    let url = storage.server()?;
    Some((url, PostgresOptions::new(url.expose(), storage.database_connections)))
}

/// What a process that writes holds, so that no other one writes the same files.
pub(crate) struct Locks {
    _data_dir: Option<DataDir>,
    _database: Option<File>,
}

/// Locks what only one process may write. A database server takes many.
///
/// # Errors
/// [`CliError::DataDir`] says who holds it.
pub(crate) fn lock(storage: &StorageSettings, work: &str) -> Result<Locks, CliError> {
    if storage.is_on_a_server() {
        return Ok(Locks { _data_dir: None, _database: None });
    }
    let data_dir = DataDir::open(&storage.data_dir, work)?;
    let database = storage.database_elsewhere().map(|path| lock_database(path, work)).transpose()?;
    Ok(Locks { _data_dir: Some(data_dir), _database: database })
}

/// Locks a file that another configuration than this process's may name: as a database, and as its data directory's, where it is
/// called like one.
///
/// # Errors
/// [`CliError::DataDir`] says who holds it; [`CliError::Open`] if it is not there.
pub(crate) fn lock_file(path: &Path, work: &str) -> Result<Locks, CliError> {
    let missing = |_| CliError::Open { path: path.to_owned(), why: OpenError::Missing };
    // Where it stands itself, if it is a link.
    let path = path.canonicalize().map_err(missing)?;
    let directory = path.parent().filter(|_| path.ends_with(DATABASE_FILE));
    let data_dir = directory.map(|directory| DataDir::open(directory, work)).transpose()?;
    Ok(Locks { _data_dir: data_dir, _database: Some(lock_database(&path, work)?) })
}
