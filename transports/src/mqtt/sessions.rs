//! The sessions that are open: one per device, and one after another.
//!
//! A new session takes the device's place at once, and begins with messages when what the former one began is finished: so
//! many as one session may have under way are all that a device has, however often it connects.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

use deed_domain::{
    ids::{DeviceId, DeviceSessionId},
    ports::{DeviceWatcher, Written},
};
use tokio::sync::{Mutex as Turn, Notify, OwnedMutexGuard};

/// Another session of the device has begun, or its gateway speaks for it.
const TAKEN_OVER: u8 = 1;
/// The device's credentials were replaced, or it is gone.
const CREDENTIALS: u8 = 2;
/// Something else was written about the device.
const WRITTEN: u8 = 4;

/// Who is connected.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<DeviceId, OfDevice>>);

/// The sessions of a device: the one that came last, and those before it that still finish what they began.
struct OfDevice {
    /// What the last one is told.
    last: Arc<Signals>,
    /// Its id; a later session's, on whichever node, is greater.
    id: DeviceSessionId,
    /// Whoever carries out messages holds it.
    turn: Arc<Turn<()>>,
    places: usize,
}

/// What a session is told from outside.
#[derive(Default)]
pub(super) struct Signals {
    flags: AtomicU8,
    notify: Notify,
}

/// What a session was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// It ends, as another one has begun.
    pub(super) taken_over: bool,
    /// It has to look whether it is still let in.
    pub(super) credentials: bool,
    /// It has to look how it stands with its device.
    pub(super) written: bool,
}

/// A session's place, which it leaves when this is dropped.
pub(super) struct Place {
    sessions: Arc<Sessions>,
    device_id: DeviceId,
    signals: Arc<Signals>,
    turn: Arc<Turn<()>>,
}

impl Sessions {
    /// Takes the device's place; who has it so far is told. Whose credentials were replaced between the look at them and
    /// this has to look once more.
    pub(super) fn enter(self: &Arc<Self>, device_id: DeviceId, id: DeviceSessionId) -> Place {
        let signals = Arc::<Signals>::default();
        signals.tell(CREDENTIALS);
        let turn = match self.all().entry(device_id) {
            Entry::Occupied(mut entered) => {
                let of_device = entered.get_mut();
                of_device.places += 1;
                of_device.id = id;
                std::mem::replace(&mut of_device.last, Arc::clone(&signals)).tell(TAKEN_OVER);
                Arc::clone(&of_device.turn)
            }
            Entry::Vacant(vacant) => {
                let of_device = OfDevice { last: Arc::clone(&signals), id, turn: Arc::default(), places: 1 };
                Arc::clone(&vacant.insert(of_device).turn)
            }
        };
        metrics::gauge!("deed_mqtt_sessions").increment(1);
        Place { sessions: Arc::clone(self), device_id, signals, turn }
    }

    /// Ends the device's session, if there is one.
    pub(super) fn end(&self, device_id: DeviceId) {
        if let Some(of_device) = self.all().get(&device_id) {
            of_device.last.tell(TAKEN_OVER);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<DeviceId, OfDevice>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeviceWatcher for Sessions {
    fn written(&self, device_id: DeviceId, what: Written) {
        if let Some(of_device) = self.all().get(&device_id) {
            let flag = |is: bool, flag: u8| if is { flag } else { 0 };
            of_device.last.tell(flag(what.credentials, CREDENTIALS) | flag(what.other, WRITTEN));
        }
    }

    fn session_began_elsewhere(&self, device_id: DeviceId, session: DeviceSessionId) {
        if let Some(of_device) = self.all().get(&device_id).filter(|of_device| of_device.id < session) {
            of_device.last.tell(TAKEN_OVER);
        }
    }
}

impl Signals {
    fn tell(&self, flag: u8) {
        self.flags.fetch_or(flag, Ordering::AcqRel);
        self.notify.notify_one();
    }
}

impl Place {
    /// What the session is told next. Dropping the future loses nothing.
    pub(super) async fn told(&self) -> Told {
        loop {
            let flags = self.signals.flags.swap(0, Ordering::AcqRel);
            if flags != 0 {
                let told = |flag: u8| flags & flag != 0;
                return Told { taken_over: told(TAKEN_OVER), credentials: told(CREDENTIALS), written: told(WRITTEN) };
            }
            self.signals.notify.notified().await;
        }
    }

    /// Waits until the session is told that another one has begun; it is told so all the same.
    pub(super) async fn taken_over(&self) {
        while self.signals.flags.load(Ordering::Acquire) & TAKEN_OVER == 0 {
            self.signals.notify.notified().await;
        }
    }

    /// Waits until the device's former sessions have finished what they began; until this is dropped, later ones wait.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::gauge!("deed_mqtt_sessions").decrement(1);
        let mut all = self.sessions.all();
        if let Entry::Occupied(mut entered) = all.entry(self.device_id) {
            entered.get_mut().places -= 1;
            if entered.get().places == 0 {
                entered.remove();
            }
        }
    }
}

/// What the session in that place is told next; one without a place never is.
pub(super) async fn told(place: Option<&Place>) -> Told {
    match place {
        Some(place) => place.told().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_new_session_ends_the_older_one_and_keeps_its_own_place() {
        let (sessions, device) = (Arc::<Sessions>::default(), DeviceId(Uuid::from_u128(1)));
        let first = sessions.enter(device, DeviceSessionId(Uuid::from_u128(1)));
        let entered = Some(Told { taken_over: false, credentials: true, written: false });
        assert_eq!((first.told().now_or_never(), first.told().now_or_never()), (entered, None));
        let second = sessions.enter(device, DeviceSessionId(Uuid::from_u128(2)));
        assert_eq!(second.told().now_or_never(), entered);
        assert_eq!(first.told().now_or_never(), Some(Told { taken_over: true, credentials: false, written: false }));
        drop(first);
        sessions.written(device, Written { credentials: true, other: true });
        assert_eq!(second.told().now_or_never(), Some(Told { taken_over: false, credentials: true, written: true }));
        assert_eq!(second.told().now_or_never(), None);
        drop(second);
        assert!(sessions.all().is_empty());
    }

    #[test]
    fn of_sessions_at_several_nodes_the_latest_one_stays() {
        let (sessions, device) = (Arc::<Sessions>::default(), DeviceId(Uuid::from_u128(1)));
        let place = sessions.enter(device, DeviceSessionId(Uuid::from_u128(5)));
        assert!(place.told().now_or_never().is_some_and(|told| !told.taken_over));
        sessions.session_began_elsewhere(device, DeviceSessionId(Uuid::from_u128(4)));
        sessions.session_began_elsewhere(DeviceId(Uuid::from_u128(2)), DeviceSessionId(Uuid::from_u128(6)));
        assert_eq!(place.told().now_or_never(), None, "an earlier one, and another device's");
        sessions.session_began_elsewhere(device, DeviceSessionId(Uuid::from_u128(6)));
        assert!(place.told().now_or_never().is_some_and(|told| told.taken_over));
        let again = sessions.enter(device, DeviceSessionId(Uuid::from_u128(7)));
        sessions.session_began_elsewhere(device, DeviceSessionId(Uuid::from_u128(6)));
        assert!(again.told().now_or_never().is_some_and(|told| !told.taken_over), "told late");
    }

    #[test]
    fn a_session_begins_when_all_before_it_have_finished() {
        let (sessions, device) = (Arc::<Sessions>::default(), DeviceId(Uuid::from_u128(1)));
        let first = sessions.enter(device, DeviceSessionId(Uuid::from_u128(3)));
        let turn = first.turn().now_or_never();
        assert!(turn.is_some());
        let second = sessions.enter(device, DeviceSessionId(Uuid::from_u128(4)));
        assert!(first.taken_over().now_or_never().is_some() && second.taken_over().now_or_never().is_none());
        assert!(second.turn().now_or_never().is_none(), "the first one finishes");
        drop(second);
        let third = sessions.enter(device, DeviceSessionId(Uuid::from_u128(5)));
        assert!(third.turn().now_or_never().is_none(), "the first one still finishes");
        let other = sessions.enter(DeviceId(Uuid::from_u128(2)), DeviceSessionId(Uuid::from_u128(6)));
        assert!(other.turn().now_or_never().is_some(), "another device does not wait");
        drop((turn, first));
        assert!(third.turn().now_or_never().is_some());
        drop((third, other));
        assert!(sessions.all().is_empty());
    }
}
