//! The system's clock and randomness: the only place that asks for either.

use std::time::{SystemTime, UNIX_EPOCH};

use deed_domain::{
    ports::{Clock, Entropy},
    time::Timestamp,
};
use rand::Rng;

/// The wall clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "everything else is given this clock")]
        let now = SystemTime::now();
        let milliseconds = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Timestamp(match now.duration_since(UNIX_EPOCH) {
            Ok(since) => milliseconds(since),
            Err(before) => -milliseconds(before.duration()),
        })
    }
}

/// Randomness from the operating system, stretched by a cryptographic generator per thread that is seeded anew again
/// and again: a system call for every id would cost more than the id.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "everything else is given this entropy")]
        rand::rng().fill_bytes(buffer);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_clock_counts_milliseconds_of_this_century() {
        let (year_2020, year_2100) = (1_577_836_800_000, 4_102_444_800_000);
        assert!((year_2020..year_2100).contains(&SystemClock.now().0));
    }

    #[test]
    fn ids_differ_and_carry_their_time() {
        let now = Timestamp(1_735_689_600_123);
        let ids: BTreeSet<_> = (0..1_000).map(|_| OsEntropy.new_id(now)).collect();
        assert_eq!(ids.len(), 1_000);
        for id in ids {
            let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
            assert_eq!((id.get_version_num(), seconds, nanos), (7, 1_735_689_600, 123_000_000));
        }
    }
}
