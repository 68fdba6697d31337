//! What a projection is.

use deed_domain::{
    codec::UnreadableEvent,
    device::DeviceEvent,
    ids::{DeviceId, Position, Sequence},
    metadata::{Metadata, UnreadableMetadata},
    ports::RecordedEvent,
    time::Timestamp,
};

/// A pure function from recorded events to the changes of one read model.
pub trait Projection {
    /// The name, for life: the read model's tables and checkpoint hang on it.
    const NAME: &'static str;
    /// Goes up when the rows would come out otherwise; the read model is rebuilt then.
    const VERSION: u32;
    /// What can change in the read model.
    type Change;

    /// Adds the changes that the event makes, in order.
    fn project(event: &Recorded<'_>, changes: &mut Vec<Self::Change>);
}

/// A recorded event, decoded.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// Its place in the log.
    pub position: Position,
    /// Its device.
    pub device_id: DeviceId,
    /// Its place in the device's stream.
    pub sequence: Sequence,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What happened.
    pub event: &'a DeviceEvent,
    /// Who did it, for which tenant, in which request.
    pub metadata: &'a Metadata,
}

/// A stored event that cannot be projected because it cannot be read. The projection stops there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// Its payload.
    #[error("event at position {0}: {1}")]
    Event(Position, UnreadableEvent),
    /// Its metadata.
    #[error("event at position {0}: {1}")]
    Metadata(Position, UnreadableMetadata),
}

impl Recorded<'_> {
    /// Decodes a stored event and hands it to `read`.
    ///
    /// # Errors
    /// [`Undecodable`] if this version cannot read it.
    pub fn decode<T>(stored: &RecordedEvent, read: impl FnOnce(&Recorded<'_>) -> T) -> Result<T, Undecodable> {
        let event = stored.decode().map_err(|why| Undecodable::Event(stored.position, why))?;
        let metadata = stored.decode_metadata().map_err(|why| Undecodable::Metadata(stored.position, why))?;
        Ok(read(&Recorded {
            position: stored.position,
            device_id: stored.device_id,
            sequence: stored.sequence,
            recorded_at: stored.recorded_at,
            event: &event,
            metadata: &metadata,
        }))
    }
}
