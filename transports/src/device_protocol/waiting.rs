//! Devices that wait until something is written about them.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use deed_domain::{
    ids::DeviceId,
    ports::{DeviceWatch, DeviceWatcher, Written},
};
use tokio::sync::Notify;

/// Who waits.
#[derive(Default)]
pub struct Waiting(Mutex<HashMap<DeviceId, Arc<Notify>>>);

/// One of them, until it is dropped.
pub(super) struct Waiter {
    waiting: Arc<Waiting>,
    device_id: DeviceId,
    written: Arc<Notify>,
}

impl Waiting {
    /// Told by this store.
    pub fn on(devices: &dyn DeviceWatch) -> Arc<Self> {
        let waiting = Arc::new(Self::default());
        let watcher = Arc::downgrade(&waiting);
        devices.watch(watcher);
        waiting
    }

    /// Waits from now on.
    pub(super) fn enter(self: &Arc<Self>, device_id: DeviceId) -> Waiter {
        let written = Arc::clone(self.all().entry(device_id).or_default());
        Waiter { waiting: Arc::clone(self), device_id, written }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<DeviceId, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeviceWatcher for Waiting {
    fn written(&self, device_id: DeviceId, what: Written) {
        if what.other
            && let Some(written) = self.all().get(&device_id)
        {
            written.notify_waiters();
        }
    }
}

impl Waiter {
    /// Until something is written after this was called, even if that is before it is first polled.
    pub(super) fn written(&self) -> impl Future<Output = ()> {
        self.written.notified()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut all = self.waiting.all();
        // Let go of while nobody else can enter or leave, so that the last one of a device sees that it is the last.
        drop(mem::take(&mut self.written));
        if all.get(&self.device_id).is_some_and(|written| Arc::strong_count(written) == 1) {
            all.remove(&self.device_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;
    use uuid::Uuid;

    use super::*;

    const WRITTEN: Written = Written { credentials: false, other: true };

    #[test]
    fn who_waits_hears_of_its_device_and_leaves_nothing_behind() {
        let waiting = Arc::new(Waiting::default());
        let [one, other] = [1, 2].map(|n| DeviceId(Uuid::from_u128(n)));
        let (first, second) = (waiting.enter(one), waiting.enter(one));
        {
            let (mut early, late) = (pin!(first.written()), pin!(second.written()));
            waiting.written(other, WRITTEN);
            waiting.written(one, Written { credentials: true, other: false });
            assert!(early.as_mut().now_or_never().is_none());
            waiting.written(one, WRITTEN);
            assert!(early.now_or_never().is_some());
            assert!(late.now_or_never().is_some(), "it was not polled before");
        }
        drop(first);
        assert_eq!(waiting.all().len(), 1);
        drop(second);
        assert!(waiting.all().is_empty());
    }
}
