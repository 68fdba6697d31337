//! Who wants to hear of changes (RFC 7641). Nothing is kept of a device but what it was told last.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deed_domain::{
    ids::DeviceId,
    ports::{DeviceIdentity, DeviceWatcher, Written},
};
use tokio::{sync::Notify, time::Instant};

use super::{
    blocks::Name,
    peers::{Peer, Shown},
};
use crate::device_protocol::{ClaimState, SharedAttributes};

/// Most who may observe.
pub(super) const MOST: usize = 4_096;
/// Most of them for one device; one more takes the place of the one that asked longest ago.
pub(super) const MOST_OF_ONE: usize = 4;
/// For how long an observer may take what it was told for true (Max-Age). If it hears nothing for longer, as after a restart of
/// the service, it asks anew (RFC 7641, 3.3.1).
pub(super) const FRESH: Duration = Duration::from_secs(300);
/// Who was told nothing for so long is told again how it stands (RFC 7641, 4.3.1), and it is seen whether it is still there.
const SILENCE: Duration = Duration::from_secs(180);
/// Up to so much later, each at another time. What is lost then is sent again in 45 s, so that it comes before it has to.
const SPREAD: Duration = Duration::from_secs(60);
/// Who could not be told then, as nothing could be read, is looked after again so much later.
const RETRY: Duration = Duration::from_secs(15);
/// Numbers of notifications have 24 bits.
const NUMBERS: u32 = 1 << 24;

/// Who observes, by which it knows its request.
pub(super) type Observer = (Peer, Vec<u8>);

/// Who observes what.
#[derive(Default)]
pub(super) struct Observers {
    all: Mutex<All>,
    due: Notify,
    chance: RandomState,
}

#[derive(Default)]
struct All {
    observations: HashMap<Observer, Observation>,
    /// Who observes a device, in the order in which they asked for it last.
    devices: HashMap<DeviceId, Vec<Observer>>,
    /// Whose devices something was written about.
    due: BTreeSet<DeviceId>,
}

/// What an observer wants to know, and knows.
#[derive(Clone)]
pub(super) struct Observation {
    /// By what it fetches the parts of what it is told.
    pub(super) name: Name,
    /// Its device.
    pub(super) device: DeviceIdentity,
    /// By which it is let in.
    pub(super) shown: Shown,
    /// What it was told last; what is to be told is of the same kind.
    pub(super) told: Told,
    /// The number of its last notification.
    number: u32,
    last: Instant,
    /// When it is told again, whatever happens.
    again: Instant,
    /// Whether it is being told something, and whether something was written meanwhile.
    busy: Option<bool>,
}

impl Observation {
    /// Whether it heard nothing for long.
    pub(super) fn is_silent(&self) -> bool {
        self.last.elapsed() >= SILENCE
    }
}

/// What an observer was told.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// How it stands with claiming.
    Claiming(ClaimState),
    /// The attributes that people share with the device.
    Shared(SharedAttributes),
}

impl Observers {
    /// Enters it; the number of its first notification, or `None` if there is no room for one more. One that is there
    /// already goes on.
    pub(super) fn enter(
        &self,
        observer: Observer,
        name: Name,
        device: DeviceIdentity,
        shown: Shown,
        told: Told,
    ) -> Option<u32> {
        let mut all = self.all();
        let before = all.remove(&observer).filter(|one| one.device == device);
        let oldest = all.devices.get(&device.device_id).filter(|of_one| of_one.len() >= MOST_OF_ONE);
        if let Some(oldest) = oldest.and_then(|of_one| of_one.first().cloned()) {
            all.remove(&oldest);
        }
        if all.observations.len() >= MOST {
            return None;
        }
        let number = before.as_ref().map_or(0, |before| (before.number + 1) % NUMBERS);
        let (last, again) = (Instant::now(), self.again(&observer, number));
        let busy = before.and_then(|before| before.busy);
        let observation = Observation { name, device, shown, told, number, last, again, busy };
        all.devices.entry(device.device_id).or_default().push(observer.clone());
        all.observations.insert(observer, observation);
        metrics::gauge!("deed_coap_observers").increment(1);
        // What was written between the look at it and this has to be looked at once more.
        all.due.insert(device.device_id);
        self.due.notify_one();
        Some(number)
    }

    /// It does not observe any more, if it did.
    pub(super) fn leave(&self, observer: &Observer) {
        self.all().remove(observer);
    }

    /// That peer does not observe anything any more.
    #[cfg(feature = "dtls")]
    pub(super) fn leave_all(&self, peer: Peer) {
        let mut all = self.all();
        let theirs: Vec<_> = all.observations.keys().filter(|(of, _)| *of == peer).cloned().collect();
        theirs.iter().for_each(|observer| drop(all.remove(observer)));
    }

    /// Those who may have to be told something, once there are any; they count as being told until [`Observers::done`].
    pub(super) async fn due(&self) -> Vec<Observer> {
        loop {
            let due = self.take_due();
            if !due.is_empty() {
                return due;
            }
            self.due.notified().await;
        }
    }

    /// Those who have to be told again, in the same way.
    pub(super) fn silent(&self) -> Vec<Observer> {
        let now = Instant::now();
        let mut all = self.all();
        let silent = all.observations.iter_mut().filter(|(_, one)| one.again <= now && one.busy.is_none());
        silent
            .map(|(observer, one)| {
                one.again = now + RETRY;
                one.busy = Some(false);
                observer.clone()
            })
            .collect()
    }

    /// How it stands with an observer, if it is still there.
    pub(super) fn observation(&self, observer: &Observer) -> Option<Observation> {
        self.all().observations.get(observer).cloned()
    }

    /// It is being told this; the number of the notification.
    pub(super) fn tell(&self, observer: &Observer, told: Told) -> Option<u32> {
        let mut all = self.all();
        let one = all.observations.get_mut(observer)?;
        one.told = told;
        one.number = (one.number + 1) % NUMBERS;
        one.last = Instant::now();
        one.again = self.again(observer, one.number);
        Some(one.number)
    }

    /// It was told. Whether something was written meanwhile, so that it is looked once more.
    pub(super) fn done(&self, observer: &Observer) -> bool {
        let mut all = self.all();
        let Some(one) = all.observations.get_mut(observer) else { return false };
        let again = one.busy == Some(true);
        one.busy = again.then_some(false);
        again
    }

    fn take_due(&self) -> Vec<Observer> {
        let mut guard = self.all();
        let All { observations, devices, due } = &mut *guard;
        let mut observers = Vec::new();
        for observer in std::mem::take(due).iter().filter_map(|device| devices.get(device)).flatten() {
            match observations.get_mut(observer).map(|one| &mut one.busy) {
                Some(Some(again)) => *again = true,
                Some(none) => {
                    *none = Some(false);
                    observers.push(observer.clone());
                }
                None => {}
            }
        }
        observers
    }

    /// When it is told again after that notification.
    fn again(&self, observer: &Observer, number: u32) -> Instant {
        let later = SPREAD.mul_f64(self.chance.hash_one((observer, number)) as f64 / u64::MAX as f64);
        Instant::now() + SILENCE + later
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    fn remove(&mut self, observer: &Observer) -> Option<Observation> {
        let removed = self.observations.remove(observer)?;
        metrics::gauge!("deed_coap_observers").decrement(1);
        let id = removed.device.device_id;
        if let Some(of_one) = self.devices.get_mut(&id) {
            of_one.retain(|one| one != observer);
            if of_one.is_empty() {
                self.devices.remove(&id);
            }
        }
        Some(removed)
    }
}

impl DeviceWatcher for Observers {
    fn written(&self, device_id: DeviceId, _: Written) {
        let mut all = self.all();
        if all.devices.contains_key(&device_id) {
            all.due.insert(device_id);
            self.due.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use deed_domain::{ids::TenantId, ports::DeviceToken};
    use futures_util::FutureExt;
    use uuid::Uuid;

    use super::*;
    use crate::device_protocol::ClaimStateKind;

    const NONE: Told = Told::Claiming(ClaimState { state: ClaimStateKind::None, expires_at: None });
    const WRITTEN: Written = Written { credentials: false, other: true };

    fn device(n: u128) -> DeviceIdentity {
        DeviceIdentity::new(TenantId(Uuid::nil()), DeviceId(Uuid::from_u128(n)))
    }

    fn observer(n: u8) -> Observer {
        (SocketAddr::from(([127, 0, 0, 1], 1)).into(), vec![n])
    }

    fn shown() -> Shown {
        Shown::Token(DeviceToken::new("t"))
    }

    fn enter(observers: &Observers, n: u8, of: u128) -> Option<u32> {
        enter_as(observers, observer(n), of)
    }

    fn enter_as(observers: &Observers, observer: Observer, of: u128) -> Option<u32> {
        let name = Name { peer: observer.0, path: Vec::new(), query: Vec::new() };
        observers.enter(observer, name, device(of), shown(), NONE)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_is_told_to_who_observes_it_and_again_if_it_is_busy() {
        let observers = Observers::default();
        assert_eq!(enter(&observers, 1, 1), Some(0));
        assert_eq!(observers.due().now_or_never(), Some(vec![observer(1)]));
        assert_eq!(observers.tell(&observer(1), NONE), Some(1));
        observers.written(device(1).device_id, WRITTEN);
        assert_eq!(observers.due().now_or_never(), None, "it is busy");
        assert!(observers.done(&observer(1)));
        assert!(!observers.done(&observer(1)));
        observers.written(device(2).device_id, WRITTEN);
        assert_eq!(observers.due().now_or_never(), None, "nobody observes that");
        observers.written(device(1).device_id, WRITTEN);
        assert_eq!(observers.due().now_or_never(), Some(vec![observer(1)]));
        assert!(!observers.done(&observer(1)));
        assert_eq!(enter(&observers, 1, 1), Some(2), "numbers go on");
        observers.due().now_or_never();
        assert!(!observers.done(&observer(1)));
        tokio::time::advance(SILENCE - Duration::from_millis(1)).await;
        assert_eq!(observers.silent(), []);
        tokio::time::advance(SPREAD).await;
        assert_eq!(observers.silent(), [observer(1)]);
        assert_eq!(observers.silent(), []);
        observers.done(&observer(1));
        tokio::time::advance(RETRY).await;
        assert_eq!(observers.silent(), [observer(1)], "nothing could be read then");
        observers.tell(&observer(1), NONE);
        observers.done(&observer(1));
        tokio::time::advance(RETRY).await;
        assert_eq!(observers.silent(), []);
        observers.leave(&observer(1));
        assert!(!observers.done(&observer(1)) && observers.observation(&observer(1)).is_none());
    }

    /// Thousands who began at once are told again one by one, and in time for what is lost to be sent again.
    #[tokio::test(start_paused = true)]
    async fn those_who_are_told_again_are_no_burst() {
        let observers = Observers::default();
        for n in 0..MOST {
            let token = u16::try_from(n).unwrap().to_be_bytes().to_vec();
            enter_as(&observers, (SocketAddr::from(([127, 0, 0, 1], 2)).into(), token), n as u128);
        }
        let (mut told, mut most) = (0, 0);
        for _ in 0..(SILENCE + SPREAD).as_secs() {
            tokio::time::advance(Duration::from_secs(1)).await;
            let silent = observers.silent();
            for observer in &silent {
                assert!(observers.observation(observer).unwrap().is_silent());
                observers.tell(observer, NONE);
            }
            (told, most) = (told + silent.len(), most.max(silent.len()));
        }
        assert!(told == MOST && most < 4 * MOST / 60, "{told} {most}");
        assert!(SILENCE + SPREAD + Duration::from_secs(45) < FRESH);
    }

    #[tokio::test]
    async fn there_is_room_for_so_many() {
        let observers = Observers::default();
        for n in 0..4 {
            assert_eq!(enter(&observers, n, 1), Some(0));
        }
        assert_eq!(enter(&observers, 0, 1), Some(1), "it is the newest now");
        assert_eq!(enter(&observers, 4, 1), Some(0));
        let left = [0, 1, 2, 3, 4].map(|n| observers.observation(&observer(n)).is_some());
        assert_eq!(left, [true, false, true, true, true]);
        for n in 0..MOST - 4 {
            let token = u16::try_from(n).unwrap().to_be_bytes().to_vec();
            let one = (SocketAddr::from(([127, 0, 0, 1], 2)).into(), token);
            assert_eq!(enter_as(&observers, one, n as u128 + 2), Some(0));
        }
        assert_eq!(enter(&observers, 9, 9_999_999), None);
        assert_eq!(enter(&observers, 5, 1), Some(0), "a device makes room for itself");
        observers.leave(&observer(0));
        assert_eq!(enter(&observers, 9, 9_999_999), Some(0));
    }
}
