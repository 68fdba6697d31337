//! The log, and the devices that it folds to.

use std::collections::BTreeMap;

use deed_domain::{
    codec,
    device::{Device, DeviceEvent},
    ids::{DeviceId, Position, Sequence, TenantId},
    metadata::Metadata,
    ports::{Page, RecordedEvent, Scope, StoreError},
    time::Timestamp,
};

/// Every event in order.
#[derive(Default)]
pub(super) struct Log {
    events: Vec<(TenantId, RecordedEvent)>,
    devices: BTreeMap<DeviceId, (Device, Sequence)>,
}

impl Log {
    pub(super) fn head(&self) -> Position {
        self.events.last().map_or(Position(0), |(_, last)| last.position)
    }

    /// The position of the last event before that time; times never go back.
    pub(super) fn position_before(&self, time: Timestamp) -> Position {
        let count = self.events.partition_point(|(_, event)| event.recorded_at < time);
        self.events[..count].last().map_or(Position(0), |(_, last)| last.position)
    }

    /// The device's last event of one of these types.
    pub(super) fn last_of(&self, device_id: DeviceId, event_types: &[&str]) -> Option<&RecordedEvent> {
        let wanted = |event: &&RecordedEvent| event.device_id == device_id && event_types.contains(&&*event.event_type);
        self.events.iter().rev().map(|(_, event)| event).find(wanted)
    }

    /// The time of the next append: never before that of the last event.
    pub(super) fn now(&self, clock: Timestamp) -> Timestamp {
        self.events.last().map_or(clock, |(_, last)| last.recorded_at.max(clock))
    }

    pub(super) fn device(&self, device_id: DeviceId) -> (Device, Sequence) {
        self.devices.get(&device_id).cloned().unwrap_or_default()
    }

    /// Adds an event, and says where it went.
    pub(super) fn push(
        &mut self,
        device_id: DeviceId,
        event: &DeviceEvent,
        metadata: &Metadata,
        recorded_at: Timestamp,
    ) -> Result<(Position, Sequence), StoreError> {
        let position = self.head().next();
        let payload = codec::encode(event).map_err(|error| StoreError::Damaged {
            table: "events",
            column: "payload",
            row: position.to_string(),
            why: error.to_string(),
        })?;
        let (device, sequence) = self.devices.entry(device_id).or_default();
        device.evolve(event);
        *sequence = sequence.next();
        self.events.push((
            metadata.tenant_id,
            RecordedEvent {
                position,
                device_id,
                sequence: *sequence,
                recorded_at,
                event_type: codec::event_type(event).to_owned(),
                event_version: codec::current_version(event).to_owned(),
                payload,
                metadata: metadata.to_json(),
            },
        ));
        Ok((position, *sequence))
    }

    pub(super) fn page(&self, scope: Scope, after: Position, limit: usize) -> Page {
        let in_scope = |(tenant_id, event): &&(TenantId, RecordedEvent)| match scope {
            Scope::All => true,
            Scope::Tenant(id) => *tenant_id == id,
            Scope::Device(id) => event.device_id == id,
        };
        let rest = self.events.iter().skip_while(|(_, event)| event.position <= after);
        let events: Vec<_> = rest.filter(in_scope).take(limit).map(|(_, event)| event.clone()).collect();
        let is_full = events.len() == limit;
        let last = events.last().map_or(after, |last| last.position);
        Page { events, read_up_to: if is_full { last } else { self.head().max(after) } }
    }
}
