//! Events as an audit shows them: what is stored, byte for byte, but for the digests of keys.

use std::{collections::BTreeMap, fmt};

use deed_domain::{
    ids::{DeviceId, Position, Sequence},
    metadata::Transport,
    ports::RecordedEvent,
    time::Timestamp,
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::unreadable;
use crate::error::ApiError;

/// What no audit shows: the keyed digest of a claim key. It is of no use to a reader, and of some to one who guesses.
const HIDDEN: &str = "digest";

/// A recorded event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventJson {
    /// Its place in the log. Without gaps over all tenants, so a tenant sees some positions only.
    #[schema(value_type = u64, example = 42)]
    position: Position,
    /// Its device.
    #[schema(value_type = uuid::Uuid)]
    device_id: DeviceId,
    /// Its place among the device's events: 1, 2, 3 …
    #[schema(value_type = u64, example = 7)]
    sequence: Sequence,
    /// What happened.
    #[schema(example = "DeviceClaimed")]
    event_type: String,
    /// The version of the shape of `data`.
    #[schema(example = "1")]
    event_version: String,
    /// When, milliseconds since the epoch; never before that of an earlier position.
    #[schema(value_type = i64, example = 1_735_689_600_000_i64)]
    recorded_at: Timestamp,
    /// `user:<id>`, `device:<id>`, `gateway:<id>` or `system`.
    #[schema(example = "user:0192f6c0-6a5e-7c3b-9d2f-0b8a5c1d2e3f")]
    actor: String,
    /// `rest`, `http`, `mqtt`, `coap`, `cli` or `internal`.
    #[schema(value_type = String, example = "rest")]
    transport: Transport,
    /// The id of the request that caused it.
    correlation_id: String,
    /// The event's members as they were written, without digests of keys.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
}

impl EventJson {
    pub(super) fn of(event: RecordedEvent) -> Result<Self, ApiError> {
        let metadata = event.decode_metadata().map_err(|error| unreadable(event.position, &error))?;
        let data = data_of(&event.payload).map_err(|error| unreadable(event.position, &error))?;
        Ok(Self {
            position: event.position,
            device_id: event.device_id,
            sequence: event.sequence,
            event_type: event.event_type,
            event_version: event.event_version,
            recorded_at: event.recorded_at,
            actor: metadata.actor.to_string(),
            transport: metadata.transport,
            correlation_id: metadata.correlation_id.into_owned(),
            data,
        })
    }
}

/// The members below the payload's tag.
fn data_of(payload: &str) -> Result<Box<RawValue>, serde_json::Error> {
    let tagged: BTreeMap<String, Box<RawValue>> = serde_json::from_str(payload)?;
    let data = tagged.into_values().next().map_or_else(|| RawValue::from_string("{}".into()), Ok)?;
    let members: Members<'_> = serde_json::from_str(data.get())?;
    if members.0.iter().all(|(name, _)| name != HIDDEN) {
        return Ok(data);
    }
    let mut shown = String::with_capacity(data.get().len());
    for (name, value) in members.0.iter().filter(|(name, _)| name != HIDDEN) {
        shown.push(if shown.is_empty() { '{' } else { ',' });
        shown.push_str(&serde_json::to_string(name)?);
        shown.push(':');
        shown.push_str(value.get());
    }
    shown.push_str(if shown.is_empty() { "{}" } else { "}" });
    RawValue::from_string(shown)
}

/// An object's members in the order and in the spelling in which they stand there.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use deed_domain::{
        claim_key::{KeyDigest, PepperId},
        codec,
        device::{DeviceEvent, KeyOrigin, KeySlot},
        ids::KeyId,
    };
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn members_stand_there_byte_for_byte() {
        let payload = r#"{"DeviceClaimed": { "b" : 1.50, "a":"\u00fc" }}"#;
        assert_eq!(data_of(payload).unwrap().get(), r#"{ "b" : 1.50, "a":"\u00fc" }"#);
    }

    #[test]
    fn digests_are_left_out_and_nothing_else() {
        let issued = DeviceEvent::ClaimIssued {
            at: Timestamp(5),
            key_id: KeyId(Uuid::nil()),
            origin: KeyOrigin::Admin,
            slot: KeySlot::Additional,
            digest: KeyDigest::new(PepperId("p1".into()), [0xab; 32]),
            empty: false,
            not_before: None,
            expires_at: Timestamp(9),
        };
        let shown = data_of(&codec::encode(&issued).unwrap()).unwrap();
        let expected = r#"{"at":5,"keyId":"00000000-0000-0000-0000-000000000000","origin":"admin","slot":"additional","expiresAt":9}"#;
        assert_eq!(shown.get(), expected);
        assert_eq!(data_of(r#"{"X":{"digest":"p:00"}}"#).unwrap().get(), "{}");
    }

    proptest! {
        #[test]
        fn no_payload_makes_it_panic(payload in "[{}\":,a-d0-9\\[\\] ]{0,40}") {
            let _ = data_of(&payload);
        }
    }
}
