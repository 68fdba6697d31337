//! The log in order, for everything that follows it.

use async_trait::async_trait;

use crate::{
    codec::{self, UnreadableEvent},
    device::DeviceEvent,
    ids::{DeviceId, Position, Sequence, TenantId},
    metadata::{Metadata, UnreadableMetadata},
    ports::StoreError,
    time::Timestamp,
};

/// Reads the log.
#[async_trait]
pub trait Feed: Send + Sync {
    /// The next events of the scope after a position, at most `limit` of them, in order.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    async fn read_after(&self, scope: Scope, after: Position, limit: usize) -> Result<Page, StoreError>;

    /// The position of the last event; 0 if there is none.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    async fn head(&self) -> Result<Position, StoreError>;

    /// The position of the last event that was recorded before that time; 0 if there is none. Takes no longer the longer
    /// the log is, or hardly.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    async fn position_before(&self, time: Timestamp) -> Result<Position, StoreError>;

    /// Of each of these devices the last event of one of these types, in no order; none of a device that has none.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    async fn last_of_each(&self, devices: &[DeviceId], event_types: &[&str]) -> Result<Vec<RecordedEvent>, StoreError>;

    /// Everything of the scope after a position: first what is there, then what comes.
    fn subscribe(&self, scope: Scope, after: Position) -> Box<dyn Subscription>;
}

/// A reader that stays.
#[async_trait]
pub trait Subscription: Send {
    /// Waits until there is something, then gives it. Nothing is left out and nothing comes twice. Dropping the
    /// future loses nothing.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read; the next call tries again from the same place.
    async fn next(&mut self) -> Result<Page, StoreError>;
}

/// Which events a reader wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All of them.
    All,
    /// Those of a tenant's devices.
    Tenant(TenantId),
    /// Those of one device.
    Device(DeviceId),
}

/// Some events in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The events.
    pub events: Vec<RecordedEvent>,
    /// Everything of the scope up to here has been given; read on after it, even if `events` is empty.
    pub read_up_to: Position,
}

/// An event as it is stored; its bytes are those that were written once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its place in the log.
    pub position: Position,
    /// Its device.
    pub device_id: DeviceId,
    /// Its place in the device's stream.
    pub sequence: Sequence,
    /// When it was recorded; never before that of an earlier position.
    pub recorded_at: Timestamp,
    /// Its frozen type name.
    pub event_type: String,
    /// The version of its shape.
    pub event_version: String,
    /// Its payload, as it was written.
    pub payload: String,
    /// Its metadata, as it was written.
    pub metadata: String,
}

impl RecordedEvent {
    /// The event, old versions upcast.
    ///
    /// # Errors
    /// [`UnreadableEvent`] if this version cannot read it.
    pub fn decode(&self) -> Result<DeviceEvent, UnreadableEvent> {
        codec::decode(&self.event_type, &self.event_version, &self.payload)
    }

    /// The metadata.
    ///
    /// # Errors
    /// [`UnreadableMetadata`] if this version cannot read it.
    pub fn decode_metadata(&self) -> Result<Metadata, UnreadableMetadata> {
        Metadata::from_json(&self.metadata)
    }
}
