//! Who wants to hear of changes (RFC 7641). Nothing is kept of a device but what it was told last.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deed_domain::{
    ids::DeviceId,
    ports::{DeviceIdentity, DeviceWatcher, Written},
};
use tokio::{sync::Notify, time::Instant};

use super::peers::{Peer, Shown};
use crate::device_protocol::{ClaimState, SharedAttributes};

/// Most who may observe.
pub(super) const MOST: usize = 4_096;
/// Most of them for one device.
pub(super) const MOST_OF_ONE: usize = 4;
/// Who was told nothing for so long is told again how it stands, as it may not be there any more.
pub(super) const SILENCE: Duration = Duration::from_secs(86_400);
/// Numbers of notifications have 24 bits.
const NUMBERS: u32 = 1 << 24;

/// Who observes, by which it knows its request.
pub(super) type Observer = (Peer, Vec<u8>);

/// Who observes what.
#[derive(Default)]
pub(super) struct Observers {
    all: Mutex<All>,
    due: Notify,
}

#[derive(Default)]
struct All {
    observations: HashMap<Observer, Observation>,
    /// How many observe a device, as that is asked with everything that is written.
    devices: HashMap<DeviceId, usize>,
    /// Whose devices something was written about.
    due: BTreeSet<DeviceId>,
}

/// What an observer wants to know, and knows.
#[derive(Clone)]
pub(super) struct Observation {
    /// Its device.
    pub(super) device: DeviceIdentity,
    /// By which it is let in.
    pub(super) shown: Shown,
    /// What it was told last; what is to be told is of the same kind.
    pub(super) told: Told,
    /// The number of its last notification.
    number: u32,
    last: Instant,
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
    pub(super) fn enter(&self, observer: Observer, device: DeviceIdentity, shown: Shown, told: Told) -> Option<u32> {
        let mut all = self.all();
        let before = all.observations.get(&observer).filter(|one| one.device == device);
        let number = before.map_or(0, |before| (before.number + 1) % NUMBERS);
        let busy = before.and_then(|before| before.busy);
        if before.is_none() {
            all.remove(&observer);
            let of_one = all.devices.get(&device.device_id).copied().unwrap_or_default();
            if all.observations.len() >= MOST || of_one >= MOST_OF_ONE {
                return None;
            }
            all.devices.insert(device.device_id, of_one + 1);
            metrics::gauge!("deed_coap_observers").increment(1);
        }
        let observation = Observation { device, shown, told, number, last: Instant::now(), busy };
        all.observations.insert(observer, observation);
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
        theirs.iter().for_each(|observer| all.remove(observer));
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

    /// Those who heard nothing for long, in the same way.
    pub(super) fn silent(&self) -> Vec<Observer> {
        let mut all = self.all();
        let silent = all.observations.iter_mut().filter(|(_, one)| one.is_silent() && one.busy.is_none());
        silent
            .map(|(observer, one)| {
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
        let mut all = self.all();
        let devices = std::mem::take(&mut all.due);
        let mut due = Vec::new();
        if devices.is_empty() {
            return due;
        }
        for (observer, one) in all.observations.iter_mut().filter(|(_, one)| devices.contains(&one.device.device_id)) {
            match &mut one.busy {
                Some(again) => *again = true,
                none => {
                    *none = Some(false);
                    due.push(observer.clone());
                }
            }
        }
        due
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    fn remove(&mut self, observer: &Observer) {
        let Some(Observation { device, .. }) = self.observations.remove(observer) else { return };
        metrics::gauge!("deed_coap_observers").decrement(1);
        match self.devices.get_mut(&device.device_id) {
            Some(several @ 2..) => *several -= 1,
            _ => drop(self.devices.remove(&device.device_id)),
        }
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
        observers.enter(observer(n), device(of), shown(), NONE)
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
        assert_eq!(observers.silent(), []);
        tokio::time::advance(SILENCE).await;
        assert_eq!(observers.silent(), [observer(1)]);
        assert_eq!(observers.silent(), []);
        observers.leave(&observer(1));
        assert!(!observers.done(&observer(1)) && observers.observation(&observer(1)).is_none());
    }

    #[tokio::test]
    async fn there_is_room_for_so_many() {
        let observers = Observers::default();
        for n in 0..4 {
            assert_eq!(enter(&observers, n, 1), Some(0));
        }
        assert_eq!((enter(&observers, 4, 1), enter(&observers, 3, 1)), (None, Some(1)));
        for n in 0..MOST - 4 {
            let token = u16::try_from(n).unwrap().to_be_bytes().to_vec();
            let one = (SocketAddr::from(([127, 0, 0, 1], 2)).into(), token);
            let of = device(n as u128 + 2);
            assert_eq!(observers.enter(one, of, shown(), NONE), Some(0));
        }
        assert_eq!(enter(&observers, 9, 9_999_999), None);
        observers.leave(&observer(0));
        assert_eq!(enter(&observers, 9, 9_999_999), Some(0));
    }
}
