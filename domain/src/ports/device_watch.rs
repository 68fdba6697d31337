//! Who wants to hear that something was written about a device.

use std::sync::Weak;

use crate::{
    ids::{DeviceId, DeviceSessionId},
    ports::RegistryWrite,
};

/// Tells, after each commit, which devices it was about; and of a device, where its last session began.
pub trait DeviceWatch: Send + Sync {
    /// Tells this one, too, from now on and as long as it is there. What is told is a call to look again, never the only
    /// place where something stands: one node does not hear of what another one writes.
    fn watch(&self, watcher: Weak<dyn DeviceWatcher>);

    /// A session of the device has begun at this node: the other nodes are told soon. Waits for nothing.
    /// Where one process serves alone, there is nobody to be told.
    fn session_began(&self, _device_id: DeviceId, _session: DeviceSessionId) {}
}

/// Hears it. It is called by whoever writes, and must not wait for anything.
pub trait DeviceWatcher: Send + Sync {
    /// Something was written about this device, and is durable.
    fn written(&self, device_id: DeviceId, what: Written);

    /// A session of the device has begun at another node: those that began before it end.
    fn session_began_elsewhere(&self, _device_id: DeviceId, _session: DeviceSessionId) {}
}

/// What was written about a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Its credentials, or that it has none any more.
    pub credentials: bool,
    /// Anything else: events, attributes.
    pub other: bool,
}

impl Written {
    /// What these writes of one command are, beside its events; `None` if it wrote nothing.
    pub fn by(has_events: bool, registry: &[RegistryWrite]) -> Option<Self> {
        let is_about_credentials =
            |write: &RegistryWrite| matches!(write, RegistryWrite::PutCredentials(_) | RegistryWrite::EraseDevice(_));
        let credentials = registry.iter().filter(|write| is_about_credentials(write)).count();
        let written = Self { credentials: credentials > 0, other: has_events || registry.len() > credentials };
        (written != Self::default()).then_some(written)
    }
}
