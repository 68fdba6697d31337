//! `deed migrate`

use std::io::{self, Write};

use clap::Args;
use deed_adapters::{
    postgres::{OpenError, PostgresOptions, PostgresStore, Upgraded},
    sqlite,
};

use super::{
    exit::CliError,
    progress::Progress,
    shared::{Location, runtime},
};
use crate::{config::StorageSettings, storage};

/// Bring the database up to date for this version
///
/// Run it before the first node of a new version starts; nodes of the version before go on serving. On a SQLite file, a start
/// does this by itself, and no server may run on the data meanwhile.
#[derive(Args, Debug)]
pub(super) struct Migrate {
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    location: Location,
}

impl Migrate {
    pub(super) fn run(self) -> Result<(), CliError> {
        let settings = self.location.load(&[])?.config.storage;
        runtime()?.block_on(async {
            match storage::server(&settings) {
                Some((url, options)) => {
                    let told =
                        if self.dry_run { PostgresStore::missing(options).await } else { upgrade(options).await };
                    show(&told.map_err(|why| CliError::OpenServer { url: url.clone(), why })?)
                }
                None if self.dry_run => {
                    Err(CliError::Usage("--dry-run is for databases on a PostgreSQL server".into()))
                }
                None => open(&settings).await,
            }
        })
    }
}

fn show(missing: &[String]) -> Result<(), CliError> {
    let mut out = io::stdout();
    missing.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    if missing.is_empty() {
        writeln!(out, "The database is up to date.")?;
    }
    Ok(())
}

async fn upgrade(options: PostgresOptions) -> Result<Vec<String>, OpenError> {
    let mut done = Vec::new();
    let mut progress: Option<(String, Progress)> = None;
    PostgresStore::upgrade(options, &mut |told| match told {
        Upgraded::Step(step) => done.push(step.to_owned()),
        Upgraded::ReadModel { name, done: events, total } => {
            if progress.as_ref().is_none_or(|(known, _)| known != name) {
                done.push(format!("read model {name}: filled"));
                progress = Some((name.to_owned(), Progress::start(format!("filling {name}"))));
            }
            if let Some((_, progress)) = &progress {
                progress.report(events, total);
            }
        }
    })
    .await?;
    Ok(done)
}

async fn open(settings: &StorageSettings) -> Result<(), CliError> {
    // A misspelt path is not made into an empty database.
    let path = settings.database_file();
    if !path.exists() {
        return Err(CliError::Open { path, why: sqlite::OpenError::Missing });
    }
    let _locks = storage::lock(settings, "migrate")?;
    storage::open(settings).await?.close().await;
    show(&[])
}
