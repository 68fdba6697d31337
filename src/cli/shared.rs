//! What several subcommands take and need.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use deed_adapters::{Store, surroundings::OsEntropy};
use deed_domain::claims::Claims;
use tokio::runtime::{Builder, Runtime};

use super::exit::CliError;
use crate::{
    config::{self, Config, Environment, Inputs, Loaded, Secrets},
    pepper_check,
    storage::{self, Locks},
    wiring,
};

/// Where the configuration and the data are.
#[derive(Args, Clone, Debug)]
pub(super) struct Location {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "DEED_CONFIG")]
    config: Option<PathBuf>,

    /// The directory of database, secrets and lock [default: ./deed-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,

    /// The database, as sqlite:PATH or postgres://USER@HOST/DATABASE [default: deed.db in the data directory]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl Location {
    /// Where that configuration says, if there is one.
    pub(super) const fn configured(config: Option<PathBuf>) -> Self {
        Self { config, data_dir: None, database: None }
    }

    /// The configuration in effect.
    ///
    /// # Errors
    /// [`CliError::Config`].
    pub(super) fn load(&self, special_defaults: &'static [(&'static str, &'static str)]) -> Result<Loaded, CliError> {
        let options = [("dataDir", &self.data_dir), ("database", &self.database)];
        let command_line = options.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect();
        let environment = Environment::of_process();
        Ok(config::load(Inputs { command_line, environment, file: self.config.clone(), special_defaults })?)
    }

    /// The configured database, to be read beside a server that may be writing it.
    ///
    /// # Errors
    /// [`CliError`].
    pub(super) async fn open_read_only(&self) -> Result<Arc<dyn Store>, CliError> {
        storage::open_read_only(&self.load(&[])?.config.storage).await
    }
}

/// The configured store and what makes claim keys in it.
pub(super) struct Issuing {
    pub(super) store: Arc<dyn Store>,
    pub(super) claims: Claims,
    /// Held as long as the store is written.
    pub(super) _locks: Locks,
}

impl Issuing {
    /// Opens it for a command of that name. No server may run on a SQLite file meanwhile.
    ///
    /// # Errors
    /// [`CliError`].
    pub(super) async fn open(config: &Config, command: &str) -> Result<Self, CliError> {
        // Opened to be read first, so that a misspelt path is not made into an empty database.
        storage::open_read_only(&config.storage).await?;
        let locks = storage::lock(&config.storage, command)?;
        let secrets = match config.storage.is_on_a_server() {
            true => Secrets::of_all_nodes(config)?,
            false => Secrets::complete(config, &OsEntropy)?,
        };
        let store = storage::open(&config.storage).await?;
        pepper_check::active_keys(&*store, &secrets, config.storage.is_on_a_server()).await?;
        let claims = wiring::claims(config, &secrets, &store)?;
        Ok(Self { store, claims, _locks: locks })
    }
}

/// A runtime for a command that does one thing after another.
///
/// # Errors
/// [`CliError::System`].
pub(super) fn runtime() -> Result<Runtime, CliError> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| CliError::System(format!("the system does not let the runtime start: {why}")))
}
