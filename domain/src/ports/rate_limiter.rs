//! Counting what callers send.

use std::time::Duration;

/// Counts the requests of each caller of a kind against a limit.
pub trait RateLimiter<K>: Send + Sync {
    /// Counts one more request of this caller.
    ///
    /// # Errors
    /// [`TooMany`] if it is beyond the limit, and not to be carried out.
    fn admit(&self, caller: &K) -> Result<(), TooMany>;
}

/// A caller has sent as much as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub struct TooMany {
    /// After this time there is room for one more.
    pub wait: Duration,
}

impl TooMany {
    /// The time to wait in whole seconds, rounded up, at least one.
    pub fn seconds(self) -> u64 {
        let part = u64::from(self.wait.subsec_nanos() > 0);
        (self.wait.as_secs() + part).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up() {
        let seconds = |milliseconds| TooMany { wait: Duration::from_millis(milliseconds) }.seconds();
        assert_eq!([seconds(0), seconds(1), seconds(1_000), seconds(1_001), seconds(60_000)], [1, 1, 1, 2, 60]);
    }
}
