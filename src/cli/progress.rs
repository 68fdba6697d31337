//! Progress of long commands: a bar on a terminal, nothing in a pipe.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on the standard error stream, which draws nothing unless that is a terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Begins to do `work`.
    pub(super) fn start(work: impl Into<String>) -> Self {
        let bar = ProgressBar::new(0).with_message(work.into());
        let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} events, {eta} left");
        Self(style.map_or(bar.clone(), |style| bar.with_style(style)))
    }

    /// `done` of `total` events are done.
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
