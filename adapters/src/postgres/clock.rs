//! The database's clock: the time of every node, however wrong its own is.

use std::{
    sync::{PoisonError, RwLock},
    time::Instant,
};

use deed_domain::{ports::Clock, time::Timestamp};

/// Goes on by itself from the last time that the database told.
pub(in crate::postgres) struct DatabaseClock(RwLock<(Timestamp, Instant)>);

#[expect(clippy::disallowed_methods, reason = "how much time has passed since the database told its own")]
fn moment() -> Instant {
    Instant::now()
}

impl DatabaseClock {
    pub(in crate::postgres) fn new(told: Timestamp) -> Self {
        Self(RwLock::new((told, moment())))
    }

    /// The database has just told the time.
    pub(in crate::postgres) fn set(&self, told: Timestamp) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (told, moment());
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        let (told, at) = *self.0.read().unwrap_or_else(PoisonError::into_inner);
        told.plus(i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}
