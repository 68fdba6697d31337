//! What became of the claim keys of each device type: what a maker looks at before it decides for how long keys are valid.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use cqrs_es::{EventEnvelope, View};
use deed_domain::{
    device::{ClaimRefusedReason, Device, DeviceEvent},
    ids::KeyId,
    time::{HOUR, MINUTE, Timestamp},
};
use serde::{Deserialize, Serialize};

/// The read model, filled with every event of every device in the order of their positions.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct KeyOutcomes {
    types: BTreeMap<String, Counts>,
    /// The type of each device, by the id of its stream.
    devices: HashMap<String, String>,
    /// The keys that are active, with their type and since when.
    open: HashMap<KeyId, (String, Timestamp)>,
}

/// A row of the read model.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Counts {
    issued: u32,
    /// Presented by the customer that became the owner.
    used: u32,
    /// Ended by their time.
    expired: u32,
    /// Ended by anything else: a newer key, an administrator, another key of the same device.
    revoked: u32,
    open: usize,
    /// Most that were open at the same moment, over all devices of the type. It follows from the log alone if events of different
    /// devices come in the order in which they happened.
    most_open: usize,
    wrong: u32,
    /// Milliseconds from the issue to the claim, of each used key.
    waits: Vec<i64>,
}

impl View<Device> for KeyOutcomes {
    fn update(&mut self, event: &EventEnvelope<Device>) {
        let device = &event.aggregate_id;
        match &event.payload {
            DeviceEvent::DeviceRegistered { device_type, .. } | DeviceEvent::DeviceChanged { device_type, .. } => {
                self.devices.insert(device.clone(), device_type.clone());
            }
            DeviceEvent::ClaimIssued { key_id, at, .. } => {
                let device_type = self.devices.get(device).cloned().unwrap_or_default();
                let counts = self.types.entry(device_type.clone()).or_default();
                counts.issued += 1;
                counts.open += 1;
                counts.most_open = counts.most_open.max(counts.open);
                self.open.insert(*key_id, (device_type, *at));
            }
            DeviceEvent::DeviceClaimed { key_id, at, .. } => self.close(*key_id, |counts, issued_at| {
                counts.used += 1;
                counts.waits.push(at.since(issued_at));
            }),
            DeviceEvent::ClaimExpired { key_id, .. } => self.close(*key_id, |counts, _| counts.expired += 1),
            DeviceEvent::ClaimRevoked { key_id, .. } => self.close(*key_id, |counts, _| counts.revoked += 1),
            DeviceEvent::ClaimRefused { reason: ClaimRefusedReason::WrongKey, suppressed, .. } => {
                let device_type = self.devices.get(device).cloned().unwrap_or_default();
                // Refusals beyond a limit have no event of their own; the next one tells how many there were.
                self.types.entry(device_type).or_default().wrong += 1 + suppressed;
            }
            DeviceEvent::DeviceRemoved { .. }
            | DeviceEvent::ClaimingAllowed { .. }
            | DeviceEvent::ClaimingDisallowed { .. }
            | DeviceEvent::IssueRefused { .. }
            | DeviceEvent::ClaimRefused { .. }
            | DeviceEvent::ClaimantLocked { .. }
            | DeviceEvent::DeviceReclaimed { .. }
            | DeviceEvent::DeviceAssigned { .. }
            | DeviceEvent::DeviceUnassigned { .. } => {}
        }
    }
}

impl KeyOutcomes {
    /// A key ends once: what the log says of it afterwards (`ClaimRevoked` with the reason `used`) changes nothing.
    fn close(&mut self, key_id: KeyId, count: impl FnOnce(&mut Counts, Timestamp)) {
        let Some((device_type, issued_at)) = self.open.remove(&key_id) else { return };
        let counts = self.types.entry(device_type).or_default();
        counts.open -= 1;
        count(counts, issued_at);
    }
}

impl fmt::Display for KeyOutcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "type      issued  used  expired  revoked  open  most open  wrong keys  half are used within")?;
        for (device_type, counts) in &self.types {
            let Counts { issued, used, expired, revoked, open, most_open, wrong, waits } = counts;
            let half = median(waits).map_or_else(|| "-".to_owned(), in_words);
            writeln!(
                f,
                "{device_type:<8}  {issued:>6}  {used:>4}  {expired:>7}  {revoked:>7}  {open:>4}  {most_open:>9}  {wrong:>10}  {half}"
            )?;
        }
        Ok(())
    }
}

/// The smallest wait that at least half of them do not exceed.
fn median(waits: &[i64]) -> Option<i64> {
    let mut sorted = waits.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

fn in_words(milliseconds: i64) -> String {
    match milliseconds {
        ..MINUTE => format!("{} s", milliseconds / 1_000),
        MINUTE..HOUR => format!("{} min", milliseconds / MINUTE),
        HOUR.. => format!("{} h", milliseconds / HOUR),
    }
}
