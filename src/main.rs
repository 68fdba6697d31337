//! The binary: configuration, wiring, command line.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cli`] | one file per subcommand |
//! | [`config`] | the settings, one file per section |
//! | [`wiring`] | puts adapters behind the ports and routers into one |
//! | [`server`] | listens, serves, and stops in order |
//! | [`expiry`] | records the keys whose time ran out |
//! | [`gauges`] | what is measured now and then |
//! | [`data_dir`] | who may use the data directory |
//! | [`demo`], [`first_start`] | what a new database begins with |
//! | [`pepper_check`] | whether the stored keys were made with this pepper |
//! | [`logging`] | log lines |

#![forbid(unsafe_code)]

mod cli;
mod config;
mod data_dir;
mod deletion;
mod demo;
mod expiry;
mod first_start;
mod gauges;
mod impatient;
mod label_font;
mod lease;
mod logging;
mod open_files;
mod pepper_check;
mod server;
mod storage;
mod tls_files;
mod wiring;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
