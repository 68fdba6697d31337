//! `deed copy`

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use deed_adapters::{
    copy::{Copied, CopyError, CopyStep, copy},
    postgres::PostgresOptions,
};

use super::{
    exit::CliError,
    progress::Progress,
    shared::{Location, runtime},
};
use crate::{config::DatabaseUrl, storage};

/// Move an installation from a SQLite file into a PostgreSQL database
///
/// The log with its positions, times and bytes, and the registry beside it; the read models are filled anew. In the end both
/// sides are compared and the new log is checked. No server may run on the file meanwhile; the database has to be empty, and is
/// not served before the copy has come to its end. A copy that was cut off is simply started again, and goes on. The file is left
/// as it is.
///
/// The secrets are not in the file: every node is configured with those that the installation has had.
#[derive(Args, Debug)]
pub(super) struct Copy {
    /// The installation, as sqlite:PATH
    #[arg(long, value_name = "URL")]
    from: String,

    /// The database, as postgres://USER@HOST/DATABASE [default: the configured one, so that no password stands on the
    /// command line]
    #[arg(long, value_name = "URL")]
    to: Option<String>,

    /// The configuration file
    #[arg(long, value_name = "FILE", env = "DEED_CONFIG")]
    config: Option<PathBuf>,
}

impl Copy {
    pub(super) fn run(self) -> Result<(), CliError> {
        let storage = Location::configured(self.config).load(&[])?.config.storage;
        let from = url("--from", &self.from)?;
        let to = match &self.to {
            Some(to) => Some(url("--to", to)?),
            None => storage.database,
        };
        let (DatabaseUrl::Sqlite(from), Some(DatabaseUrl::Postgres(to))) = (from, to) else {
            return Err(CliError::Usage(
                "a copy goes from `sqlite:<path>` to `postgres://…`. Between two files use SQLite's VACUUM INTO, between two \
                 databases pg_dump and pg_restore; there is no way from PostgreSQL to SQLite"
                    .into(),
            ));
        };
        let options = PostgresOptions::new(to.expose(), storage.database_connections);
        let _locks = storage::lock_file(&from, "copy")?;
        let mut bar = None;
        let copied = runtime()?.block_on(copy(&from, options, &mut |step, done, total| {
            if bar.as_ref().is_none_or(|(shown, _)| *shown != step) {
                bar = Some((step, start(step)));
            }
            if let Some((_, bar)) = &bar {
                bar.report(done, total);
            }
        }));
        drop(bar);
        let copied = copied.map_err(|why| match why {
            CopyError::Target(why) => CliError::OpenServer { url: to, why },
            other => CliError::Copy(other),
        })?;
        Ok(tell(copied, &from)?)
    }
}

/// Says nothing of what cannot be used: it may hold a password.
fn url(option: &str, text: &str) -> Result<DatabaseUrl, CliError> {
    text.parse().map_err(|why| CliError::Usage(format!("{option} {why}")))
}

fn start(step: CopyStep) -> Progress {
    match step {
        CopyStep::Reading => Progress::counting("reading", "rows"),
        CopyStep::Copying => Progress::counting("copying", "rows"),
        CopyStep::Comparing => Progress::counting("comparing", "rows"),
        CopyStep::Filling => Progress::start("filling the read models"),
        CopyStep::Checking => Progress::start("checking"),
    }
}

fn tell(copied: Copied, from: &Path) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{} events and {} rows beside them are copied and equal", copied.events, copied.rows)?;
    let secrets = from.with_file_name("secrets.yml");
    let place =
        if secrets.exists() { secrets.display().to_string() } else { "secrets.yml of its data directory".into() };
    writeln!(
        out,
        "Configure every node with the secrets that the installation has had: security.peppers and \
         security.jwt.tokenSigningKey, from its configuration if they stand there, and else from {place}"
    )?;
    out.flush()
}
