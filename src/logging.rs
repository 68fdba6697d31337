//! Structured log lines on the standard error stream.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{LogFormat, LogSettings};

/// Logs from here on, for the whole process.
pub(crate) fn start(settings: &LogSettings) {
    // The configuration has checked that the levels can be read.
    let filter = EnvFilter::builder().parse_lossy(&settings.level);
    // A line that cannot be written is lost. Telling of it would go to the same stream, and end the thread that logs.
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .log_internal_errors(false);
    match settings.format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}
