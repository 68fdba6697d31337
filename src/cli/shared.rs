//! What several subcommands take and need.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use deed_adapters::Store;
use tokio::runtime::{Builder, Runtime};

use super::exit::CliError;
use crate::{
    config::{self, Environment, Inputs, Loaded},
    storage,
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
