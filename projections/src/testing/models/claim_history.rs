use std::collections::BTreeMap;

use deed_domain::ids::{DeviceId, Position};
use serde::Serialize;

use crate::{ClaimHistoryRow, testing::ReadModel};

/// Every step of claiming.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct InMemoryClaimHistory(BTreeMap<DeviceId, Vec<ClaimHistoryRow>>);

impl InMemoryClaimHistory {
    /// A device's steps after a position, oldest first.
    pub fn of_device(&self, device_id: DeviceId, after: Position) -> impl Iterator<Item = &ClaimHistoryRow> {
        self.0.get(&device_id).into_iter().flatten().filter(move |row| row.position > after)
    }
}

impl ReadModel<ClaimHistoryRow> for InMemoryClaimHistory {
    fn apply(&mut self, row: ClaimHistoryRow) {
        self.0.entry(row.device_id).or_default().push(row);
    }
}
