//! Recorded events, told step by step.

use std::{borrow::Cow, collections::BTreeMap};

use deed_domain::{
    codec,
    device::DeviceEvent,
    ids::{CommandId, DeviceId, Position, Sequence, TenantId},
    metadata::{Actor, Metadata, Transport},
    ports::RecordedEvent,
};

/// A list of recorded events. What is told with [`History::then`] is recorded as a store records it: positions and
/// sequences count on without gaps, and times never go back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    events: Vec<RecordedEvent>,
    streams: BTreeMap<DeviceId, Stream>,
    actor: Actor,
    transport: Transport,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stream {
    last: Sequence,
    tenant_id: Option<TenantId>,
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl History {
    /// Nothing yet. What is told next is done by the system.
    pub fn new() -> Self {
        Self::from_recorded(Vec::new())
    }

    /// These events as they are, for a log that was read elsewhere.
    pub fn from_recorded(events: Vec<RecordedEvent>) -> Self {
        let mut streams: BTreeMap<DeviceId, Stream> = BTreeMap::new();
        for event in &events {
            let stream = streams.entry(event.device_id).or_default();
            stream.last = event.sequence;
            stream.tenant_id = stream.tenant_id.or_else(|| Some(event.decode_metadata().ok()?.tenant_id));
        }
        Self { events, streams, actor: Actor::System, transport: Transport::Internal }
    }

    /// What is told next is done by that actor, over that transport.
    #[must_use]
    pub fn by(mut self, actor: Actor, transport: Transport) -> Self {
        (self.actor, self.transport) = (actor, transport);
        self
    }

    /// Then this happened to the device, at the time that the event says, or at that of the event before it if that is
    /// later. Its tenant is the one that the device was registered for.
    #[must_use]
    pub fn then(mut self, device_id: DeviceId, event: DeviceEvent) -> Self {
        let stream = self.streams.entry(device_id).or_default();
        stream.last = stream.last.next();
        if let DeviceEvent::DeviceRegistered { tenant_id, .. } = &event {
            stream.tenant_id = Some(*tenant_id);
        }
        let metadata = Metadata {
            actor: self.actor,
            transport: self.transport,
            correlation_id: Cow::Borrowed("history"),
            command_id: CommandId(Default::default()),
            tenant_id: stream.tenant_id.unwrap_or_else(|| TenantId(Default::default())),
        };
        let before = self.events.last();
        self.events.push(RecordedEvent {
            position: before.map_or(Position(0), |before| before.position).next(),
            device_id,
            sequence: stream.last,
            recorded_at: before.map_or(event.at(), |before| before.recorded_at.max(event.at())),
            event_type: codec::event_type(&event).to_owned(),
            event_version: codec::current_version(&event).to_owned(),
            // Every event has a JSON form; were one without, decoding would tell.
            payload: codec::encode(&event).unwrap_or_default(),
            metadata: metadata.to_json(),
        });
        self
    }

    /// Then all of this happened to the device, one after another.
    #[must_use]
    pub fn then_all(self, device_id: DeviceId, events: impl IntoIterator<Item = DeviceEvent>) -> Self {
        events.into_iter().fold(self, |history, event| history.then(device_id, event))
    }

    /// The events, in order.
    pub fn events(&self) -> &[RecordedEvent] {
        &self.events
    }
}
