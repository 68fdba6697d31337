//! A device's life, command by command, with what a store keeps beside the log.

use std::collections::BTreeMap;

use deed_domain::{
    device::{
        ClaimPolicy, ClaimantCounts, CountChange, Device, DeviceCommand, DeviceEvent, Facts, GuessWindow, Refusal,
        RefusalKind, Suppressed, decide,
    },
    ids::CustomerId,
    time::Timestamp,
};

use crate::people::{START, register};

/// A device, everything that happened to it, and the counts beside its log.
pub(crate) struct Life {
    pub(crate) now: Timestamp,
    pub(crate) policy: ClaimPolicy,
    pub(crate) device: Device,
    pub(crate) log: Vec<DeviceEvent>,
    suppressed: BTreeMap<RefusalKind, u32>,
    guesses: BTreeMap<CustomerId, GuessWindow>,
}

/// What one command did.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) events: Vec<DeviceEvent>,
    pub(crate) result: Result<(), Refusal>,
}

impl Life {
    /// A device on which devices may register keys.
    pub(crate) fn begin(change: impl FnOnce(&mut ClaimPolicy)) -> Self {
        let mut life = Self::unregistered(change);
        assert_eq!(life.run(&register(None)).result, Ok(()));
        life
    }

    pub(crate) fn unregistered(change: impl FnOnce(&mut ClaimPolicy)) -> Self {
        let mut policy = ClaimPolicy { allow_by_default: true, ..ClaimPolicy::default() };
        change(&mut policy);
        Self {
            now: START,
            policy,
            device: Device::default(),
            log: Vec::new(),
            suppressed: BTreeMap::new(),
            guesses: BTreeMap::new(),
        }
    }

    pub(crate) const fn wait(&mut self, milliseconds: i64) {
        self.now = self.now.plus(milliseconds);
    }

    pub(crate) fn run(&mut self, command: &DeviceCommand) -> Step {
        let guesses = match command {
            DeviceCommand::ClaimDevice { customer_id, .. } => self.guesses.get(customer_id).copied(),
            _ => None,
        };
        let suppressed = Suppressed(self.suppressed.iter().map(|(kind, count)| (*kind, *count)).collect());
        let counts = ClaimantCounts { suppressed, guesses: guesses.unwrap_or_default(), ..ClaimantCounts::default() };
        let decision = decide(&self.device, command, &Facts { now: self.now, policy: self.policy, counts });
        for event in &decision.events {
            self.device.evolve(event);
        }
        for change in decision.counts {
            match change {
                CountChange::Suppressed(kind, 0) => drop(self.suppressed.remove(&kind)),
                CountChange::Suppressed(kind, count) => drop(self.suppressed.insert(kind, count)),
                CountChange::Guesses(customer, window) => drop(self.guesses.insert(customer, window)),
            }
        }
        self.log.extend(decision.events.iter().cloned());
        Step { events: decision.events, result: decision.result }
    }

    /// Refusals that wait for the next event to tell them.
    pub(crate) fn waiting(&self, kind: RefusalKind) -> u32 {
        self.suppressed.get(&kind).copied().unwrap_or_default()
    }
}
