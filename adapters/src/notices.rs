//! Wakes those who follow the log, each only when something of its scope is new.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use deed_domain::{
    ids::{DeviceId, TenantId},
    ports::Scope,
};
use tokio::sync::watch;

use crate::watchers::Watchers;

/// Who follows what.
#[derive(Default)]
pub(crate) struct Notices {
    followers: Mutex<HashMap<Scope, watch::Sender<()>>>,
    /// Who is told which devices were written about.
    pub(crate) watchers: Watchers,
}

impl Notices {
    /// A receiver that changes when there may be something new in the scope.
    pub(crate) fn listen(&self, scope: Scope) -> watch::Receiver<()> {
        let mut listeners = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.entry(scope).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    /// Something happened to these devices. Forgets scopes that nobody follows any more.
    pub(crate) fn notify(&self, touched: &[(TenantId, DeviceId)]) {
        let mut listeners = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        if listeners.is_empty() || touched.is_empty() {
            return;
        }
        let mut scopes = BTreeSet::from([Scope::All]);
        for (tenant_id, device_id) in touched {
            scopes.extend([Scope::Tenant(*tenant_id), Scope::Device(*device_id)]);
        }
        for scope in scopes {
            if let Some(sender) = listeners.get(&scope)
                && sender.send(()).is_err()
            {
                listeners.remove(&scope);
            }
        }
    }
}
