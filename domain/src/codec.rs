//! How events become bytes and are read back.
//!
//! An event is stored as three texts: its frozen type name, the version of its shape, and its payload, the JSON form
//! of the whole enum with its tag (`{"DeviceClaimed":{…}}`), as cqrs-es writes it. Stored bytes are never written
//! again. When a shape changes, its version goes up here, the old shape keeps its golden file, and an [`Upcaster`]
//! turns the old payload into the next one when it is read.

use std::borrow::Cow;

use serde_json::Value;

use crate::device::DeviceEvent;

/// The aggregate type under which device events are stored.
pub const AGGREGATE_TYPE: &str = "device";

/// Turns one version of an event's payload into the next.
#[derive(Clone, Copy)]
pub struct Upcaster {
    /// The event's type name.
    pub event_type: &'static str,
    /// The version that it reads.
    pub from: &'static str,
    /// The version that it makes.
    pub to: &'static str,
    /// Changes the members of the event, without its tag.
    pub upcast: fn(Value) -> Value,
}

/// Every change of shape since the first release, in the order in which they came.
pub const UPCASTERS: &[Upcaster] = &[];

/// A stored event that this version cannot read. Names what is wrong and never shows the payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableEvent {
    /// This version knows no event of that name.
    #[error("unknown event type `{0}`")]
    UnknownType(String),
    /// The event is newer than this version, or its version was never written.
    #[error("unknown version `{version}` of event `{event_type}`")]
    UnknownVersion {
        /// The event's type name.
        event_type: String,
        /// The stored version.
        version: String,
    },
    /// The payload does not have the shape of its type and version.
    #[error("the payload of event `{event_type}` version `{version}` is malformed at line {line}, column {column}")]
    Malformed {
        /// The event's type name.
        event_type: String,
        /// The stored version.
        version: String,
        /// Where it stops making sense.
        line: usize,
        /// Where it stops making sense.
        column: usize,
    },
    /// The payload is of another type than the record says.
    #[error("the payload is not the event `{0}` that the record names")]
    WrongTag(String),
}

macro_rules! events {
    ($($name:ident = $version:literal,)+) => {
        /// Every event's frozen type name and the version that is written now.
        pub const CURRENT: &[(&str, &str)] = &[$((stringify!($name), $version),)+];

        /// The event's frozen type name; the same word is the payload's tag.
        pub const fn event_type(event: &DeviceEvent) -> &'static str {
            match event { $(DeviceEvent::$name { .. } => stringify!($name),)+ }
        }

        /// The version of the event's shape that is written now.
        pub const fn current_version(event: &DeviceEvent) -> &'static str {
            match event { $(DeviceEvent::$name { .. } => $version,)+ }
        }
    };
}

events! {
    DeviceRegistered = "1",
    DeviceChanged = "1",
    DeviceRemoved = "1",
    ClaimingAllowed = "1",
    ClaimingDisallowed = "1",
    ClaimIssued = "1",
    ClaimRevoked = "1",
    IssueRefused = "1",
    ClaimExpired = "1",
    ClaimRefused = "1",
    ClaimantLocked = "1",
    DeviceClaimed = "1",
    DeviceReclaimed = "1",
    DeviceAssigned = "1",
    DeviceUnassigned = "1",
}

/// The payload to store.
///
/// # Errors
/// None for any event of ours: every member has a JSON form.
pub fn encode(event: &DeviceEvent) -> Result<String, serde_json::Error> {
    serde_json::to_string(event)
}

/// Reads a stored event, whatever version it was written in.
///
/// # Errors
/// [`UnreadableEvent`] says what this version does not know or cannot read.
pub fn decode(event_type: &str, version: &str, payload: &str) -> Result<DeviceEvent, UnreadableEvent> {
    decode_with(UPCASTERS, event_type, version, payload)
}

/// As [`decode`], with other upcasters than this version's.
///
/// # Errors
/// As [`decode`].
pub fn decode_with(
    upcasters: &[Upcaster],
    event_type: &str,
    version: &str,
    payload: &str,
) -> Result<DeviceEvent, UnreadableEvent> {
    let (_, current) = CURRENT
        .iter()
        .find(|(name, _)| *name == event_type)
        .ok_or_else(|| UnreadableEvent::UnknownType(event_type.to_owned()))?;
    let malformed = |e: serde_json::Error| UnreadableEvent::Malformed {
        event_type: event_type.to_owned(),
        version: version.to_owned(),
        line: e.line(),
        column: e.column(),
    };
    let event: DeviceEvent = if version == *current {
        serde_json::from_str(payload).map_err(malformed)?
    } else {
        let value = serde_json::from_str(payload).map_err(malformed)?;
        let value = upcast(upcasters, event_type, Cow::Borrowed(version), current, value)?;
        serde_json::from_value(value).map_err(malformed)?
    };
    if self::event_type(&event) == event_type {
        Ok(event)
    } else {
        Err(UnreadableEvent::WrongTag(event_type.to_owned()))
    }
}

/// Takes the payload from version to version until it is the current one. Upcasting what is current changes nothing.
fn upcast(
    upcasters: &[Upcaster],
    event_type: &str,
    mut version: Cow<'_, str>,
    current: &str,
    mut payload: Value,
) -> Result<Value, UnreadableEvent> {
    for _ in 0..=upcasters.len() {
        if version == current {
            return Ok(payload);
        }
        let Some(step) = upcasters.iter().find(|step| step.event_type == event_type && step.from == version) else {
            break;
        };
        if let Some(members) = payload.get_mut(event_type) {
            *members = (step.upcast)(members.take());
        }
        version = Cow::Borrowed(step.to);
    }
    Err(UnreadableEvent::UnknownVersion { event_type: event_type.to_owned(), version: version.into_owned() })
}
