//! State + event → state. Never fails: an event that happened is a fact, and one that does not fit changes nothing.

use crate::{
    device::{
        event::{DeviceEvent, IssueRefusedReason, KeySlot, LockScope},
        policy::ClaimPolicy,
        state::{
            Acquired, ActiveKey, AttributeSlot, Device, GuessRecord, Owner, RefusalKind, RefusalRecord, Registered,
            Switch, WrongKeys,
        },
    },
    ids::{CustomerId, Epoch, KeyId},
    time::Timestamp,
};

/// Expired keys that are remembered, so that their holder can be told why they fail.
const EXPIRED_KEPT: usize = 8;

impl Device {
    /// Applies one event.
    pub fn evolve(&mut self, event: &DeviceEvent) {
        match (&mut *self, event) {
            (
                Self::Unregistered,
                DeviceEvent::DeviceRegistered { at, tenant_id, name, device_type, label, profile_id },
            ) => {
                *self = Self::Registered(Box::new(Registered {
                    tenant_id: *tenant_id,
                    name: name.clone(),
                    device_type: device_type.clone(),
                    label: label.clone(),
                    profile_id: *profile_id,
                    registered_at: *at,
                    version: 1,
                    owner: None,
                    epoch: Epoch(0),
                    switch: None,
                    attribute: None,
                    device_window_changed_at: None,
                    keys: Vec::new(),
                    expired: Vec::new(),
                    guesses: Vec::new(),
                    wrong_keys: WrongKeys::default(),
                    refusals: Vec::new(),
                }));
            }
            (Self::Registered(_), DeviceEvent::DeviceRemoved { .. }) => *self = Self::Removed,
            (Self::Registered(device), event) => device.evolve(event),
            (Self::Unregistered | Self::Removed, _) => {}
        }
    }
}

impl Registered {
    fn evolve(&mut self, event: &DeviceEvent) {
        match event {
            DeviceEvent::DeviceRegistered { .. } | DeviceEvent::DeviceRemoved { .. } => {}
            DeviceEvent::DeviceChanged { version, name, device_type, label, profile_id, .. } => {
                self.version = *version;
                self.name.clone_from(name);
                self.device_type.clone_from(device_type);
                self.label.clone_from(label);
                self.profile_id = *profile_id;
            }
            DeviceEvent::ClaimingAllowed { at } => self.switch = Some(Switch { allowed: true, at: *at }),
            DeviceEvent::ClaimingDisallowed { at, explicit } => {
                self.switch = explicit.then_some(Switch { allowed: false, at: *at });
            }
            DeviceEvent::ClaimIssued { at, key_id, origin, slot, digest, empty, not_before, expires_at } => {
                if *slot == KeySlot::Device {
                    self.device_window_changed_at = Some(*at);
                }
                if slot.is_attribute() {
                    self.attribute =
                        Some(AttributeSlot { key_id: *key_id, at: *at, content: Some((*slot, *expires_at)) });
                }
                self.keys.push(ActiveKey {
                    key_id: *key_id,
                    origin: *origin,
                    slot: *slot,
                    digest: digest.clone(),
                    empty: *empty,
                    issued_at: *at,
                    not_before: *not_before,
                    expires_at: *expires_at,
                });
            }
            DeviceEvent::ClaimRevoked { at, key_id, .. } => {
                self.note_device_window(*key_id, *at);
                self.keys.retain(|key| key.key_id != *key_id);
                self.attribute = self.attribute.filter(|slot| slot.key_id != *key_id);
            }
            DeviceEvent::ClaimExpired { at, key_id } => {
                self.note_device_window(*key_id, *at);
                self.expire(*key_id);
            }
            DeviceEvent::IssueRefused { at, origin, reason, key_id, .. } => {
                self.record_refusal(RefusalKind::Issue(*origin, *reason), *at);
                if let (IssueRefusedReason::Undecodable, Some(key_id)) = (reason, key_id) {
                    self.attribute = Some(AttributeSlot { key_id: *key_id, at: *at, content: None });
                }
            }
            DeviceEvent::ClaimRefused { at, customer_id, reason, failures, suppressed, alert, .. } => {
                self.record_refusal(RefusalKind::Claim(*customer_id, *reason), *at);
                if *failures > 0 {
                    self.wrong_keys = self.wrong_keys.at(*at);
                    let untold = if self.guessed_within(*customer_id, self.wrong_keys) { *suppressed } else { 0 };
                    self.wrong_keys.count = self.wrong_keys.count.saturating_add(untold).saturating_add(1);
                    let record = self.guess_record(*customer_id, *at);
                    record.failures = *failures;
                    record.untold = 0;
                }
                self.wrong_keys.alerted |= alert.is_some();
            }
            DeviceEvent::ClaimantLocked { at, customer_id, until, failures, scope } => match scope {
                LockScope::AllDevices => {}
                LockScope::Device => {
                    let record = self.guess_record(*customer_id, *at);
                    record.untold = record.untold.saturating_add(failures.saturating_sub(record.failures));
                    record.failures = *failures;
                    record.locks = record.locks.saturating_add(1);
                    record.locked_until = *until;
                }
            },
            DeviceEvent::DeviceClaimed { at, customer_id, user_id, key_id, epoch, version } => {
                let digest = self.keys.iter().find(|key| key.key_id == *key_id).map(|key| key.digest.clone());
                let acquired = Acquired::Claim { user_id: *user_id, key_id: *key_id, digest };
                self.change_owner(Some((*customer_id, *epoch, acquired)), *at, *version);
                self.guesses.clear();
                self.wrong_keys = WrongKeys::default();
            }
            DeviceEvent::DeviceAssigned { at, customer_id, epoch, version, .. } => {
                self.change_owner(Some((*customer_id, *epoch, Acquired::Assignment)), *at, *version);
            }
            DeviceEvent::DeviceReclaimed { at, version, .. } | DeviceEvent::DeviceUnassigned { at, version, .. } => {
                self.change_owner(None, *at, *version);
            }
        }
    }

    /// The keys themselves leave by events of their own; what is derived from them goes here.
    fn change_owner(&mut self, owner: Option<(CustomerId, Epoch, Acquired)>, at: Timestamp, version: u32) {
        self.version = version;
        self.attribute = None;
        self.expired.clear();
        self.owner = owner.map(|(customer_id, epoch, acquired)| {
            self.epoch = epoch;
            Owner { customer_id, since: at, epoch, acquired }
        });
    }

    /// A key is about to leave.
    fn note_device_window(&mut self, key_id: KeyId, at: Timestamp) {
        if self.device_key().is_some_and(|key| key.key_id == key_id) {
            self.device_window_changed_at = Some(at);
        }
    }

    fn expire(&mut self, key_id: KeyId) {
        let Some(index) = self.keys.iter().position(|key| key.key_id == key_id) else { return };
        let key = self.keys.remove(index);
        if key.slot != KeySlot::Additional {
            self.expired.retain(|old| old.slot != key.slot);
        }
        if self.expired.len() == EXPIRED_KEPT {
            self.expired.remove(0);
        }
        self.expired.push(key);
    }

    fn guess_record(&mut self, claimant: CustomerId, at: Timestamp) -> &mut GuessRecord {
        self.guesses
            .retain(|record| record.claimant == claimant || at.since(record.last) <= ClaimPolicy::FORGET_GUESSES_MS);
        let index = self.guesses.iter().position(|record| record.claimant == claimant).unwrap_or_else(|| {
            let locked_until = Timestamp::default();
            self.guesses.push(GuessRecord { claimant, failures: 0, untold: 0, locks: 0, locked_until, last: at });
            self.guesses.len() - 1
        });
        let record = &mut self.guesses[index];
        if record.is_forgotten_at(at) {
            *record = GuessRecord { failures: 0, untold: 0, locks: 0, ..*record };
        }
        record.last = at;
        record
    }

    fn record_refusal(&mut self, kind: RefusalKind, at: Timestamp) {
        self.refusals.retain_mut(|record| {
            record.times.retain(|time| at.since(*time) < ClaimPolicy::REFUSAL_WINDOW_MS);
            !record.times.is_empty()
        });
        match self.refusals.iter_mut().find(|record| record.kind == kind) {
            Some(record) => {
                if record.times.len() == ClaimPolicy::REFUSAL_EVENTS {
                    record.times.remove(0);
                }
                record.times.push(at);
            }
            None => self.refusals.push(RefusalRecord { kind, times: vec![at] }),
        }
    }
}

impl GuessRecord {
    pub(crate) const fn is_forgotten_at(&self, now: Timestamp) -> bool {
        now.since(self.last) > ClaimPolicy::FORGET_GUESSES_MS
    }
}

impl WrongKeys {
    /// The count as it stands at that time: a window older than an hour has ended, the next one begins.
    pub(crate) fn at(self, now: Timestamp) -> Self {
        if now.since(self.since) < ClaimPolicy::REFUSAL_WINDOW_MS && self.count > 0 {
            self
        } else {
            Self { since: now, count: 0, alerted: false }
        }
    }
}
