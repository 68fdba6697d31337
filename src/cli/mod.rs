//! The command line: one file per subcommand.

mod bridge;
mod check;
mod config;
mod copy;
mod exit;
mod export;
mod forget_pepper;
mod import;
mod labels;
mod migrate;
mod progress;
mod rebuild;
mod replay;
mod reset_link;
mod serve;
mod shared;
mod tenant;

use std::{ffi::OsString, io, process::ExitCode};

use clap::{Parser, Subcommand};

pub(crate) use exit::CliError;

/// A device-claiming service: customers claim devices with time-limited keys, and every step is on record.
#[derive(Debug, Parser)]
#[command(name = "deed", version, about, max_term_width = 100, after_help = EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUS: &str = "\
Exit status:
  0    stopped as asked, or the command did what it was for
  1    failed: nothing found, some lines not imported, or some labels not printed
  64   the command line or the configuration cannot be used
  65   the stored data is damaged, or of another version (an older one: run `deed migrate`); or a copy
       is not equal to what was copied
  66   the input of an import cannot be read, or as a whole makes no sense
  69   the database or the port is not available, or there is no database yet; or another copy is
       under way
  73   the data directory cannot be used: not writable, in use, or not a demo's; or a copy has no
       empty database to go to
  74   the output cannot be written
  130  ended at once by a second signal";

// What each does is told by its own type: told here, it would hide all but the first line.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Replay(replay::Replay),
    Export(export::Export),
    Import(import::Import),
    Labels(labels::Labels),
    Rebuild(rebuild::Rebuild),
    Migrate(migrate::Migrate),
    ResetLink(reset_link::ResetLink),
    ForgetPepper(forget_pepper::ForgetPepper),
    Check(check::Check),
    Copy(copy::Copy),
    Config(config::Config),
}

/// Does what the arguments say, and tells how it went.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { exit::USAGE } else { exit::DONE };
            return match error.print() {
                Err(why) if why.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(exit::NO_OUTPUT),
                _ => ExitCode::from(code),
            };
        }
    };
    // Whoever reads the output may have read enough. A service that nobody can hear has not been started.
    let may_be_cut_short = !matches!(cli.command, Command::Serve(_));
    let result = match cli.command {
        Command::Serve(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Labels(command) => command.run(),
        Command::Rebuild(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::ResetLink(command) => command.run(),
        Command::ForgetPepper(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Copy(command) => command.run(),
        Command::Config(command) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::from(exit::DONE),
        Err(CliError::Output(error)) if may_be_cut_short && error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::from(exit::DONE)
        }
        Err(error) => error.report(),
    }
}
