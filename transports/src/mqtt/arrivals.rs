//! How many connections there are, and which of them have not said yet who they are.
//!
//! Each is an open file, of which a process has so many and no more. Who is silent holds one for nothing: where too many are,
//! the one that has been silent for longest makes room, as whoever means it speaks within milliseconds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// Most connections that have not said who they are, and no more than half of all.
const MOST_SILENT: usize = 1_024;

/// The connections.
pub(super) struct Arrivals {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    next: u64,
    /// How many have said who they are.
    staying: usize,
    /// Those that have not said who they are, the oldest first.
    silent: BTreeMap<u64, Arc<Notify>>,
}

/// A connection, as long as this is not dropped.
pub struct Arrival {
    arrivals: Arc<Arrivals>,
    number: u64,
    pushed_out: Arc<Notify>,
    stays: bool,
}

impl Arrivals {
    /// At most so many at once.
    pub(super) fn of(most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: Mutex::default() })
    }

    /// One more; nothing if there are as many as there may be. One that has to make room is counted no longer: it is about to
    /// go, and whoever comes need not wait for that.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Arrival> {
        let mut held = self.held();
        if held.staying + held.silent.len() >= self.most {
            metrics::counter!("deed_refused_connections_total", "transport" => "mqtt").increment(1);
            return None;
        }
        if held.silent.len() >= MOST_SILENT.min(self.most.div_ceil(2))
            && let Some((_, oldest)) = held.silent.pop_first()
        {
            metrics::counter!("deed_mqtt_refused_connects_total", "why" => "silent").increment(1);
            oldest.notify_one();
        }
        let (number, pushed_out) = (held.next, Arc::<Notify>::default());
        held.next += 1;
        held.silent.insert(number, Arc::clone(&pushed_out));
        Some(Arrival { arrivals: Arc::clone(self), number, pushed_out, stays: false })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival {
    /// It has said who it is, and stays.
    pub(super) fn stay(&mut self) {
        let mut held = self.arrivals.held();
        held.silent.remove(&self.number);
        held.staying += 1;
        self.stays = true;
    }

    /// Waits until it has to make room for others.
    pub async fn pushed_out(&self) {
        self.pushed_out.notified().await;
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let mut held = self.arrivals.held();
        held.silent.remove(&self.number);
        held.staying -= usize::from(self.stays);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn who_has_been_silent_for_longest_makes_room() {
        let arrivals = Arrivals::of(6);
        let mut all: Vec<_> = (0..3).filter_map(|_| arrivals.enter()).collect();
        all[0].stay();
        all.extend((0..2).filter_map(|_| arrivals.enter()));
        let pushed_out: Vec<_> = all.iter().map(|one| one.pushed_out().now_or_never().is_some()).collect();
        assert_eq!(pushed_out, [false, true, false, false, false]);
    }

    #[test]
    fn there_are_no_more_than_may_be() {
        let arrivals = Arrivals::of(2);
        let both = [(); 2].map(|()| {
            let mut arrival = arrivals.enter().unwrap();
            arrival.stay();
            arrival
        });
        assert!(arrivals.enter().is_none());
        let [first, _second] = both;
        drop(first);
        let third = arrivals.enter().unwrap();
        assert!(arrivals.enter().is_none());
        drop(third);
        let held = arrivals.held();
        assert_eq!((held.staying, held.silent.len()), (1, 0));
    }
}
