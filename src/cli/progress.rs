//! Progress of long commands: a bar on a terminal, nothing in a pipe.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on the standard error stream, which draws nothing unless that is a terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Begins to do `work` on events.
    pub(super) fn start(work: impl Into<String>) -> Self {
        Self::counting(work, "events")
    }

    /// Begins to do `work` on things that are called so.
    pub(super) fn counting(work: impl Into<String>, things: &'static str) -> Self {
        let bar = ProgressBar::new(0).with_message(work.into()).with_prefix(things);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {prefix}, {eta} left");
        Self(style.map_or(bar.clone(), |style| bar.with_style(style)))
    }

    /// Says something on the standard error stream, above the bar if there is one.
    pub(super) fn tell(&self, what: &str) {
        // There is nobody else to tell.
        let _ = self.0.suspend(|| writeln!(io::stderr(), "{what}"));
    }

    /// `done` of `total` are done.
    pub(super) fn report(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
