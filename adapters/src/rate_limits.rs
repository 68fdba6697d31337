//! Counts requests in memory, by the generic cell rate algorithm.
//!
//! What is kept of a caller is one time per window. It is dropped when all of the caller's requests have come back, so
//! that memory holds those who sent something lately. After a restart everybody begins anew.

use std::{
    hash::Hash,
    sync::atomic::{AtomicUsize, Ordering},
};

use deed_domain::{
    ports::{RateLimiter, TooMany},
    rate_limit::{RateLimit, Window},
};
use governor::{
    Quota,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};

/// At least so many requests are counted before the idle callers are looked for.
const LEAST_BETWEEN_SWEEPS: usize = 1_024;

/// Counts requests of each caller against every window of a limit.
pub struct MemoryRateLimiter<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    /// The one first whose requests come back soonest: what a later one refuses has come back in the earlier ones by
    /// the time at which it may be tried again.
    windows: Vec<Counted<K, C>>,
    clock: C,
    until_sweep: AtomicUsize,
}

type Counted<K, C> = governor::RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

impl<K: Hash + Eq + Clone> MemoryRateLimiter<K> {
    /// Nobody has sent anything yet.
    pub fn new(limit: &RateLimit) -> Self {
        Self::with_clock(limit, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> MemoryRateLimiter<K, C> {
    fn with_clock(limit: &RateLimit, clock: C) -> Self {
        let counted = |window| Counted::hashmap_with_clock(quota(window), clock.clone());
        let windows = limit.windows().map(counted).collect();
        Self { windows, clock, until_sweep: AtomicUsize::new(LEAST_BETWEEN_SWEEPS) }
    }

    /// Forgets those who could send as much as if they had never been here, once there were as many requests as callers
    /// are remembered: so the work is in proportion to the requests, and the memory to the callers.
    fn sweep_sometimes(&self) {
        if self.until_sweep.fetch_sub(1, Ordering::Relaxed) != 1 {
            return;
        }
        let mut remembered = 0;
        for window in &self.windows {
            window.retain_recent();
            window.shrink_to_fit();
            remembered += window.len();
        }
        self.until_sweep.store(remembered.max(LEAST_BETWEEN_SWEEPS), Ordering::Relaxed);
    }
}

fn quota(window: Window) -> Quota {
    // An interval is never zero; the other arm is there because the type does not say so.
    let quota = Quota::with_period(window.interval()).unwrap_or_else(|| Quota::per_second(window.requests()));
    quota.allow_burst(window.requests())
}

impl<K, C> RateLimiter<K> for MemoryRateLimiter<K, C>
where
    K: Hash + Eq + Clone + Send + Sync,
    C: Clock + Clone + Send + Sync,
    C::Instant: Send + Sync,
{
    fn admit(&self, caller: &K) -> Result<(), TooMany> {
        self.sweep_sometimes();
        for window in &self.windows {
            let wait_from = |until: governor::NotUntil<C::Instant>| until.wait_time_from(self.clock.now());
            window.check_key(caller).map_err(|until| TooMany { wait: wait_from(until) })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limiter(limit: &str) -> (MemoryRateLimiter<u32, FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (MemoryRateLimiter::with_clock(&limit.parse().unwrap(), clock.clone()), clock)
    }

    fn wait(seconds: u64) -> Result<(), TooMany> {
        Err(TooMany { wait: Duration::from_secs(seconds) })
    }

    #[test]
    fn requests_of_one_caller_come_back_evenly() {
        let (limiter, clock) = limiter("3:60");
        assert_eq!([(); 4].map(|()| limiter.admit(&1)), [Ok(()), Ok(()), Ok(()), wait(20)]);
        assert_eq!(limiter.admit(&2), Ok(()), "another caller is counted on its own");
        clock.advance(Duration::from_secs(15));
        assert_eq!(limiter.admit(&1), wait(5), "what was refused does not count");
        clock.advance(Duration::from_secs(5));
        assert_eq!([(); 2].map(|()| limiter.admit(&1)), [Ok(()), wait(20)]);
    }

    #[test]
    fn every_window_holds() {
        let (limiter, clock) = limiter("4:60,2:1");
        assert_eq!([(); 3].map(|()| limiter.admit(&1).is_ok()), [true, true, false]);
        clock.advance(Duration::from_secs(1));
        assert_eq!([(); 2].map(|()| limiter.admit(&1)), [Ok(()), Ok(())]);
        clock.advance(Duration::from_secs(1));
        assert_eq!(limiter.admit(&1), wait(13), "four in a minute, of which one comes back after 15 seconds");
        clock.advance(Duration::from_secs(13));
        assert_eq!(limiter.admit(&1), Ok(()));
    }

    #[test]
    fn who_sends_no_more_is_forgotten() {
        let (limiter, clock) = limiter("3:60,2:1");
        for caller in 0..10_000 {
            assert_eq!(limiter.admit(&caller), Ok(()));
        }
        assert!(limiter.windows.iter().all(|window| window.len() == 10_000), "who may not send more is remembered");
        for _ in 0..20 {
            clock.advance(Duration::from_secs(60));
            for caller in 0..1_000 {
                assert_eq!(limiter.admit(&caller), Ok(()));
            }
        }
        assert!(limiter.windows.iter().all(|window| window.len() <= 2_000));
    }
}
