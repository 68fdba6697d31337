//! Exported logs.

use std::collections::BTreeMap;

use deed_domain::{device::Device, ids::DeviceId, ports::RecordedEvent};
use deed_projections::{
    ActiveKeys, ClaimHistory, DeviceList, Ownership, Recorded,
    testing::{History, InMemoryActiveKeys, InMemoryClaimHistory, InMemoryDeviceList, InMemoryOwnership, read_model},
};
use serde_json::json;

/// A log as `deed export` writes it: ordered, the same log once it was written again, and whatever its events say,
/// they can be folded and projected.
pub fn export(input: &[u8]) -> bool {
    let Ok(history) = History::from_export(input) else { return false };
    let events = history.events();
    assert!(events.is_sorted_by(|one, next| one.position < next.position), "positions go up");
    let again: String = events.iter().map(line).collect();
    let again = History::from_export(again.as_bytes());
    assert!(again.is_ok_and(|again| again == history), "the log does not read back");

    let mut devices = BTreeMap::<DeviceId, Device>::new();
    let readable = events.iter().all(|stored| {
        Recorded::decode(stored, |event| devices.entry(event.device_id).or_default().evolve(event.event)).is_ok()
    });
    // Every projection stops at what cannot be read, and at nothing else.
    assert_eq!(read_model::<DeviceList, InMemoryDeviceList>(&history).is_ok(), readable);
    assert_eq!(read_model::<Ownership, InMemoryOwnership>(&history).is_ok(), readable);
    assert_eq!(read_model::<ActiveKeys, InMemoryActiveKeys>(&history).is_ok(), readable);
    assert_eq!(read_model::<ClaimHistory, InMemoryClaimHistory>(&history).is_ok(), readable);
    true
}

fn line(event: &RecordedEvent) -> String {
    let RecordedEvent { position, device_id, sequence, recorded_at, event_type, event_version, payload, metadata } =
        event;
    let (event_type, event_version) = (json!(event_type), json!(event_version));
    format!(
        r#"{{"position":{position},"aggregateType":"device","aggregateId":"{device_id}","sequence":{sequence},"eventType":{event_type},"eventVersion":{event_version},"recordedAt":{recorded_at},"payload":{payload},"metadata":{metadata}}}"#
    ) + "\n"
}
