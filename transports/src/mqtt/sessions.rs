//! The sessions that are open: one per device.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

use deed_domain::{
    ids::DeviceId,
    ports::{DeviceWatcher, Written},
};
use tokio::sync::Notify;

/// Another session of the device has begun, or its gateway speaks for it.
const TAKEN_OVER: u8 = 1;
/// The device's credentials were replaced, or it is gone.
const CREDENTIALS: u8 = 2;
/// Something else was written about the device.
const WRITTEN: u8 = 4;

/// Who is connected.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<DeviceId, Arc<Signals>>>);

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
}

impl Sessions {
    /// Takes the device's place; who has it so far is told. Whose credentials were replaced between the look at them and
    /// this has to look once more.
    pub(super) fn enter(self: &Arc<Self>, device_id: DeviceId) -> Place {
        let signals = Arc::<Signals>::default();
        signals.tell(CREDENTIALS);
        let before = self.all().insert(device_id, Arc::clone(&signals));
        if let Some(before) = before {
            before.tell(TAKEN_OVER);
        }
        metrics::gauge!("deed_mqtt_sessions").increment(1);
        Place { sessions: Arc::clone(self), device_id, signals }
    }

    /// Ends the device's session, if there is one.
    pub(super) fn end(&self, device_id: DeviceId) {
        if let Some(signals) = self.all().get(&device_id) {
            signals.tell(TAKEN_OVER);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<DeviceId, Arc<Signals>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeviceWatcher for Sessions {
    fn written(&self, device_id: DeviceId, what: Written) {
        if let Some(signals) = self.all().get(&device_id) {
            let flag = |is: bool, flag: u8| if is { flag } else { 0 };
            signals.tell(flag(what.credentials, CREDENTIALS) | flag(what.other, WRITTEN));
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
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::gauge!("deed_mqtt_sessions").decrement(1);
        let mut all = self.sessions.all();
        // It may be another one's by now.
        if all.get(&self.device_id).is_some_and(|signals| Arc::ptr_eq(signals, &self.signals)) {
            all.remove(&self.device_id);
        }
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
        let first = sessions.enter(device);
        let entered = Some(Told { taken_over: false, credentials: true, written: false });
        assert_eq!((first.told().now_or_never(), first.told().now_or_never()), (entered, None));
        let second = sessions.enter(device);
        assert_eq!(second.told().now_or_never(), entered);
        assert_eq!(first.told().now_or_never(), Some(Told { taken_over: true, credentials: false, written: false }));
        drop(first);
        sessions.written(device, Written { credentials: true, other: true });
        assert_eq!(second.told().now_or_never(), Some(Told { taken_over: false, credentials: true, written: true }));
        assert_eq!(second.told().now_or_never(), None);
        drop(second);
        assert!(sessions.all().is_empty());
    }
}
