//! `deed rebuild`

use std::sync::Arc;

use clap::Args;
use deed_adapters::{
    sqlite::{READ_MODELS, RebuildError, SqliteOptions, SqliteStore},
    surroundings::SystemClock,
};

use super::{
    exit::CliError,
    progress::Progress,
    shared::{Location, runtime},
};
use crate::data_dir::{DataDir, lock_database};

/// Fill read models again from the log
///
/// Into a new version beside the old one, then in its place. No server may run on the data meanwhile.
#[derive(Args, Debug)]
pub(super) struct Rebuild {
    /// The read model: device_list, ownership, active_keys or claim_history; all of them if none is named
    projection: Option<String>,

    #[command(flatten)]
    location: Location,
}

impl Rebuild {
    pub(super) fn run(self) -> Result<(), CliError> {
        let names = match &self.projection {
            None => READ_MODELS.to_vec(),
            Some(name) => vec![known(name)?],
        };
        let storage = self.location.load(&[])?.config.storage;
        let path = storage.database_file();
        let open = |why| CliError::Open { path: path.clone(), why };
        // Opened to be read first, so that a misspelt path is not made into an empty database.
        SqliteStore::open(SqliteOptions::read_only(&path), Arc::new(SystemClock)).map_err(open)?;
        let _data_dir = DataDir::open(&storage.data_dir, "rebuild")?;
        let _database = storage.database_elsewhere().map(|path| lock_database(path, "rebuild")).transpose()?;
        let store = SqliteStore::open(SqliteOptions::new(&path), Arc::new(SystemClock)).map_err(open)?;
        for name in names {
            let progress = Progress::start(format!("rebuilding {name}"));
            store.rebuild(name, &mut |done, total| progress.report(done, total))?;
        }
        runtime()?.block_on(store.close());
        Ok(())
    }
}

fn known(name: &str) -> Result<&'static str, CliError> {
    let found = READ_MODELS.into_iter().find(|known| *known == name);
    found.ok_or_else(|| RebuildError::Unknown(name.to_owned()).into())
}
