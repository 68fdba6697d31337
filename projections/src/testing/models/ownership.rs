use std::collections::BTreeMap;

use deed_domain::ids::DeviceId;
use serde::Serialize;

use crate::{OwnershipChange, OwnershipSpan, testing::ReadModel};

/// Who owned which device from when to when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct InMemoryOwnership(BTreeMap<DeviceId, Vec<OwnershipSpan>>);

impl InMemoryOwnership {
    /// Every ownership of a device, oldest first.
    pub fn ownerships(&self, device_id: DeviceId) -> &[OwnershipSpan] {
        self.0.get(&device_id).map_or(&[], Vec::as_slice)
    }
}

impl ReadModel<OwnershipChange> for InMemoryOwnership {
    fn apply(&mut self, change: OwnershipChange) {
        match change {
            OwnershipChange::Open(span) => self.0.entry(span.device_id).or_default().push(span),
            OwnershipChange::Close { device_id, end, to_position, to_time } => {
                let spans = self.0.get_mut(&device_id).map_or(&mut [][..], Vec::as_mut_slice);
                if let Some(open) = spans.iter_mut().find(|span| span.end.is_none()) {
                    (open.end, open.to_position, open.to_time) = (Some(end), Some(to_position), Some(to_time));
                }
            }
        }
    }
}
