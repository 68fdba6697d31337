//! Those who want to hear which devices something was written about.

use std::{
    fmt,
    sync::{Mutex, PoisonError, Weak},
};

use deed_domain::{
    ids::{DeviceId, DeviceSessionId},
    ports::{DeviceWatcher, Written},
};

/// All of them; those that are gone are forgotten.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<Vec<Weak<dyn DeviceWatcher>>>);

impl Watchers {
    pub(crate) fn add(&self, watcher: Weak<dyn DeviceWatcher>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(watcher);
    }

    /// Tells what a commit was about.
    pub(crate) fn tell(&self, written: &[(DeviceId, Written)]) {
        if written.is_empty() {
            return;
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|watcher| {
            let Some(watcher) = watcher.upgrade() else { return false };
            written.iter().for_each(|(device_id, what)| watcher.written(*device_id, *what));
            true
        });
    }

    /// Tells which sessions began at other nodes.
    pub(crate) fn tell_sessions(&self, began: &[(DeviceId, DeviceSessionId)]) {
        if began.is_empty() {
            return;
        }
        let watchers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for watcher in watchers.iter().filter_map(Weak::upgrade) {
            began.iter().for_each(|(device_id, session)| watcher.session_began_elsewhere(*device_id, *session));
        }
    }
}

impl fmt::Debug for Watchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchers").finish_non_exhaustive()
    }
}
