//! How many connections there are, and which of them are nobody's yet.
//!
//! Each is an open file, of which a process has so many and no more. Who has not shown that it is a device holds one for nothing:
//! where all are taken, such a one makes room, the oldest of the address that has most of them. So whoever opens many loses its
//! own, and a fleet that comes back after an outage loses none as long as there are places.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::source::source;

/// The connections.
pub(super) struct Arrivals {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    next: u64,
    /// How many are devices'.
    staying: usize,
    strangers: Strangers,
    /// Whether it has been said that all places are taken.
    is_told: bool,
}

/// Those that have not shown that they are devices.
#[derive(Default)]
struct Strangers {
    all: BTreeMap<u64, (IpAddr, Arc<Notify>)>,
    /// By address, the oldest first.
    of: HashMap<IpAddr, BTreeSet<u64>>,
    /// How many each address has.
    counts: BTreeSet<(usize, IpAddr)>,
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

    /// One more; nothing if there are as many devices as there may be connections. One that has to make room is counted no longer:
    /// it is about to go, and whoever comes need not wait for that.
    pub(super) fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Arrival> {
        let mut held = self.held();
        if held.staying + held.strangers.all.len() >= self.most {
            if !held.is_told {
                held.is_told = true;
                let (most, devices) = (self.most, held.staying);
                tracing::warn!(most, devices, "all places of MQTT are taken; strangers make room for who comes");
            }
            let Some(pushed_out) = held.strangers.make_room() else {
                metrics::counter!("deed_refused_connections_total", "transport" => "mqtt").increment(1);
                return None;
            };
            metrics::counter!("deed_mqtt_refused_connects_total", "why" => "made_room").increment(1);
            pushed_out.notify_one();
        }
        let (number, pushed_out) = (held.next, Arc::<Notify>::default());
        held.next += 1;
        held.strangers.add(number, source(from), Arc::clone(&pushed_out));
        Some(Arrival { arrivals: Arc::clone(self), number, pushed_out, stays: false })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Strangers {
    fn add(&mut self, number: u64, from: IpAddr, pushed_out: Arc<Notify>) {
        self.all.insert(number, (from, pushed_out));
        let count = self.of.get(&from).map_or(0, BTreeSet::len);
        self.counts.remove(&(count, from));
        self.counts.insert((count + 1, from));
        self.of.entry(from).or_default().insert(number);
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Notify>> {
        let (from, pushed_out) = self.all.remove(&number)?;
        if let Some(of_address) = self.of.get_mut(&from) {
            self.counts.remove(&(of_address.len(), from));
            of_address.remove(&number);
            if of_address.is_empty() {
                self.of.remove(&from);
            } else {
                self.counts.insert((of_address.len(), from));
            }
        }
        Some(pushed_out)
    }

    /// The oldest of the address that has most; where each has one, the oldest of all.
    fn make_room(&mut self) -> Option<Arc<Notify>> {
        let (count, from) = *self.counts.last()?;
        let oldest = if count > 1 { self.of.get(&from)?.first() } else { self.all.keys().next() };
        self.remove(*oldest?)
    }
}

impl Arrival {
    /// It is a device's, and stays.
    pub(super) fn stay(&mut self) {
        let mut held = self.arrivals.held();
        held.strangers.remove(self.number);
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
        held.strangers.remove(self.number);
        held.staying -= usize::from(self.stays);
        held.is_told &= held.staying + held.strangers.all.len() >= self.arrivals.most / 10 * 9;
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::FutureExt;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    fn pushed_out(all: &[Arrival]) -> Vec<bool> {
        all.iter().map(|one| one.pushed_out().now_or_never().is_some()).collect()
    }

    #[test]
    fn the_address_that_has_most_strangers_loses_its_oldest() {
        let arrivals = Arrivals::of(6);
        let enter = |last| arrivals.enter(address(last)).unwrap();
        let mut all = vec![enter(2), enter(1), enter(1), enter(3), enter(1), enter(2)];
        all[1].stay();
        assert_eq!(pushed_out(&all), [false; 6], "there are places");
        // Two of address 1 and two of address 2 are strangers; the larger address counts as the one with most.
        all.push(enter(3));
        assert_eq!(pushed_out(&all), [true, false, false, false, false, false, false]);
        all.push(enter(4));
        assert_eq!(pushed_out(&all), [false, false, false, true, false, false, false, false]);
    }

    #[test]
    fn where_each_has_one_the_oldest_of_all_makes_room() {
        let arrivals = Arrivals::of(3);
        let mut all: Vec<_> = [9, 1, 5].into_iter().filter_map(|last| arrivals.enter(address(last))).collect();
        all.push(arrivals.enter(address(7)).unwrap());
        assert_eq!(pushed_out(&all), [true, false, false, false]);
    }

    #[test]
    fn devices_make_room_for_nobody() {
        let arrivals = Arrivals::of(2);
        let both = [(); 2].map(|()| {
            let mut arrival = arrivals.enter(address(1)).unwrap();
            arrival.stay();
            arrival
        });
        assert!(arrivals.enter(address(2)).is_none());
        let [first, _second] = both;
        drop(first);
        let third = arrivals.enter(address(2)).unwrap();
        drop(third);
        let held = arrivals.held();
        assert_eq!((held.staying, held.strangers.all.len()), (1, 0));
        assert!(held.strangers.of.is_empty() && held.strangers.counts.is_empty());
    }
}
