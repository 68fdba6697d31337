//! `deed config`

use std::io::{self, Write};

use clap::Args;

use super::{exit::CliError, shared::Location};
use crate::config::reference;

/// Print the configuration in effect, secrets hidden
///
/// As a file that could be used as it is, with the origin of every value in a comment. What is doubtful goes to the
/// standard error stream.
#[derive(Args, Debug)]
pub(super) struct Config {
    /// Print the reference of every setting instead, in Markdown
    #[arg(long)]
    reference: bool,

    #[command(flatten)]
    location: Location,
}

impl Config {
    pub(super) fn run(self) -> Result<(), CliError> {
        let text = if self.reference {
            reference()
        } else {
            let loaded = self.location.load(&[])?;
            for warning in &loaded.warnings {
                writeln!(io::stderr(), "deed: {warning}")?;
            }
            loaded.to_yaml()
        };
        io::stdout().write_all(text.as_bytes())?;
        Ok(io::stdout().flush()?)
    }
}
