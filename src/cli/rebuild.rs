//! `deed rebuild`

use clap::Args;
use deed_adapters::{READ_MODELS, RebuildError};

use super::{
    exit::CliError,
    progress::Progress,
    shared::{Location, runtime},
};
use crate::storage;

/// Fill read models again from the log
///
/// Into a new version beside the old one, then in its place. No server may run on a SQLite file meanwhile; nodes on
/// PostgreSQL may, and wait with what they append.
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
        let settings = self.location.load(&[])?.config.storage;
        runtime()?.block_on(async {
            // Opened to be read first, so that a misspelt path is not made into an empty database.
            storage::open_read_only(&settings).await?;
            let _locks = storage::lock(&settings, "rebuild")?;
            let store = storage::open(&settings).await?;
            for name in names {
                let progress = Progress::start(format!("rebuilding {name}"));
                store.rebuild(name, &mut |done, total| progress.report(done, total)).await?;
            }
            store.close().await;
            Ok(())
        })
    }
}

fn known(name: &str) -> Result<&'static str, CliError> {
    let found = READ_MODELS.into_iter().find(|known| *known == name);
    found.ok_or_else(|| RebuildError::Unknown(name.to_owned()).into())
}
