//! Whether an event can have happened to a device as it was: what [`decide`](super::decide()) never lets happen. A fold does not
//! ask, as what is recorded is a fact; who checks a log does.

use crate::{
    device::{
        event::{DeviceEvent, KeySlot},
        state::{Device, Registered},
    },
    ids::Epoch,
};

impl Device {
    /// What speaks against that this event came next, if anything does.
    pub fn contradiction(&self, event: &DeviceEvent) -> Option<&'static str> {
        match (self, event) {
            (Self::Unregistered, DeviceEvent::DeviceRegistered { .. }) => None,
            (Self::Unregistered, _) => Some("the device is not registered yet"),
            (Self::Removed, _) => Some("the device is removed"),
            (Self::Registered(_), DeviceEvent::DeviceRegistered { .. }) => Some("the device is registered already"),
            (Self::Registered(device), event) => device.contradiction(event),
        }
    }
}

impl Registered {
    fn contradiction(&self, event: &DeviceEvent) -> Option<&'static str> {
        let saved = self.version + 1;
        let follows = |epoch: Epoch| epoch.0 == self.epoch.0 + 1;
        // A change of owner within a save has the save's version.
        let within = |version: u32| version == self.version || version == saved;
        let stands = |key_id| self.keys.iter().any(|key| key.key_id == key_id);
        match event {
            DeviceEvent::DeviceChanged { version, .. } => said(*version != saved, "its version does not follow"),
            DeviceEvent::ClaimIssued { key_id, .. } if stands(*key_id) => Some("its key stands already"),
            DeviceEvent::ClaimIssued { slot: KeySlot::Device, .. } => {
                said(self.device_key().is_some(), "the place of its key is taken")
                    .or_else(|| said(self.owner.is_some(), "the device has an owner"))
            }
            DeviceEvent::ClaimRevoked { key_id, .. } => {
                let was_attribute = self.attribute.is_some_and(|attribute| attribute.key_id == *key_id);
                said(!stands(*key_id) && !was_attribute, "its key does not stand")
            }
            DeviceEvent::ClaimExpired { key_id, .. } => said(!stands(*key_id), "its key does not stand"),
            DeviceEvent::DeviceClaimed { at, key_id, epoch, version, .. } => {
                said(self.owner.is_some(), "the device has an owner")
                    .or_else(|| said(!self.valid_keys(*at).any(|key| key.key_id == *key_id), "its key does not work"))
                    .or_else(|| said(!follows(*epoch), "its epoch does not follow"))
                    .or_else(|| said(*version != saved, "its version does not follow"))
            }
            DeviceEvent::DeviceAssigned { customer_id, previous, epoch, version, .. } => {
                said(*previous != self.owner_id(), "the owner until then is another")
                    .or_else(|| said(*previous == Some(*customer_id), "the owner is the one before"))
                    .or_else(|| said(!follows(*epoch), "its epoch does not follow"))
                    .or_else(|| said(!within(*version), "its version does not follow"))
            }
            DeviceEvent::DeviceReclaimed { customer_id, version, .. } => {
                said(self.owner_id() != Some(*customer_id), "the owner until then is another")
                    .or_else(|| said(*version != saved, "its version does not follow"))
            }
            DeviceEvent::DeviceUnassigned { customer_id, version, .. } => {
                said(self.owner_id() != Some(*customer_id), "the owner until then is another")
                    .or_else(|| said(!within(*version), "its version does not follow"))
            }
            DeviceEvent::ClaimIssued { .. }
            | DeviceEvent::DeviceRegistered { .. }
            | DeviceEvent::DeviceRemoved { .. }
            | DeviceEvent::ClaimingAllowed { .. }
            | DeviceEvent::ClaimingDisallowed { .. }
            | DeviceEvent::IssueRefused { .. }
            | DeviceEvent::ClaimRefused { .. }
            | DeviceEvent::ClaimantLocked { .. } => None,
        }
    }
}

fn said(is_so: bool, what: &'static str) -> Option<&'static str> {
    is_so.then_some(what)
}
