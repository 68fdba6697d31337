//! Counts beside the log.

use std::collections::BTreeMap;

use deed_domain::{
    device::{ClaimantCounts, CountChange, GuessWindow, RefusalKind, Suppressed},
    ids::{CustomerId, DeviceId},
    ports::Counted,
};

use super::registry::Registry;

/// Refusals without an event of their own, and claimants' wrong keys over all devices.
#[derive(Default)]
pub(super) struct Counts {
    suppressed: BTreeMap<DeviceId, BTreeMap<RefusalKind, u32>>,
    guesses: BTreeMap<CustomerId, GuessWindow>,
}

impl Counts {
    pub(super) fn asked_for(&self, counted: &Counted, device_id: DeviceId, registry: &Registry) -> ClaimantCounts {
        let on_device = || {
            let kinds = self.suppressed.get(&device_id).into_iter().flatten();
            Suppressed(kinds.map(|(kind, count)| (*kind, *count)).collect())
        };
        match counted {
            Counted::Nothing => ClaimantCounts::default(),
            Counted::Refusals => ClaimantCounts { suppressed: on_device(), ..ClaimantCounts::default() },
            Counted::Claimant(customer_id) => ClaimantCounts {
                suppressed: on_device(),
                guesses: self.guesses.get(customer_id).copied().unwrap_or_default(),
                ..ClaimantCounts::default()
            },
            Counted::OwnAttributes(keys) => {
                ClaimantCounts { attributes: registry.own_attributes(device_id, keys), ..ClaimantCounts::default() }
            }
        }
    }

    pub(super) fn save(&mut self, device_id: DeviceId, changes: &[CountChange]) {
        for change in changes {
            match *change {
                CountChange::Suppressed(kind, 0) => {
                    self.suppressed.entry(device_id).or_default().remove(&kind);
                }
                CountChange::Suppressed(kind, count) => {
                    self.suppressed.entry(device_id).or_default().insert(kind, count);
                }
                CountChange::Guesses(customer_id, window) => {
                    self.guesses.insert(customer_id, window);
                }
            }
        }
    }

    /// The device is gone, and with it what was counted on it.
    pub(super) fn forget(&mut self, device_id: DeviceId) {
        self.suppressed.remove(&device_id);
    }
}
