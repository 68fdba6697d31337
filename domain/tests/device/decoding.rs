//! Stored events that are old, unknown, or no events at all.

use deed_domain::{
    codec::{self, UnreadableEvent, Upcaster, decode, decode_with},
    device::DeviceEvent,
    ids::{CommandId, DeviceId, TenantId, UserId},
    metadata::{Actor, Metadata, Transport},
};
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::people::{START, registered};

const REMOVED: &str = r#"{"DeviceRemoved":{"at":1700000000000}}"#;

/// Version −1 called the time `when`; version 0 counted it in seconds.
const CHAIN: [Upcaster; 2] = [
    Upcaster { event_type: "DeviceRemoved", from: "-1", to: "0", upcast: name_the_time },
    Upcaster { event_type: "DeviceRemoved", from: "0", to: "1", upcast: seconds_to_milliseconds },
];

fn name_the_time(mut members: Value) -> Value {
    members["at"] = members["when"].take();
    members
}

fn seconds_to_milliseconds(mut members: Value) -> Value {
    members["at"] = members["at"].as_i64().map(|seconds| seconds * 1_000).into();
    members
}

fn unknown(version: &str) -> Result<DeviceEvent, UnreadableEvent> {
    Err(UnreadableEvent::UnknownVersion { event_type: "DeviceRemoved".into(), version: version.into() })
}

#[test]
fn old_versions_are_read_step_by_step() {
    let removed = Ok(DeviceEvent::DeviceRemoved { at: START });
    let oldest = r#"{"DeviceRemoved":{"when":1700000000}}"#;
    let older = r#"{"DeviceRemoved":{"at":1700000000}}"#;
    assert_eq!(decode_with(&CHAIN, "DeviceRemoved", "-1", oldest), removed);
    assert_eq!(decode_with(&CHAIN, "DeviceRemoved", "0", older), removed);
}

#[test]
fn upcasting_leaves_the_current_version_alone() {
    assert_eq!(decode_with(&CHAIN, "DeviceRemoved", "1", REMOVED), decode("DeviceRemoved", "1", REMOVED));
    assert_eq!(decode("DeviceRemoved", "1", REMOVED), Ok(DeviceEvent::DeviceRemoved { at: START }));
}

#[test]
fn upcasters_of_other_events_are_not_used() {
    let other = Upcaster { event_type: "ClaimingAllowed", ..CHAIN[1] };
    assert_eq!(decode_with(&[other], "DeviceRemoved", "0", REMOVED), unknown("0"));
}

#[test]
fn a_version_that_nothing_reads_is_named() {
    for version in ["", "0", "2", "one"] {
        assert_eq!(decode("DeviceRemoved", version, REMOVED), unknown(version));
    }
    assert_eq!(decode_with(&CHAIN[..1], "DeviceRemoved", "-1", r#"{"DeviceRemoved":{"when":1}}"#), unknown("0"));
}

#[test]
fn upcasters_that_go_round_in_a_circle_come_to_an_end() {
    let circle = [
        Upcaster { event_type: "DeviceRemoved", from: "a", to: "b", upcast: |members| members },
        Upcaster { event_type: "DeviceRemoved", from: "b", to: "a", upcast: |members| members },
    ];
    let end = decode_with(&circle, "DeviceRemoved", "a", REMOVED);
    assert!(matches!(end, Err(UnreadableEvent::UnknownVersion { .. })));
}

#[test]
fn the_payload_must_be_of_the_recorded_type() {
    assert_eq!(decode("ClaimingAllowed", "1", REMOVED), Err(UnreadableEvent::WrongTag("ClaimingAllowed".into())));
    assert_eq!(decode("DeviceSold", "1", REMOVED), Err(UnreadableEvent::UnknownType("DeviceSold".into())));
}

#[test]
fn an_old_payload_of_another_type_is_not_upcast() {
    let other = decode_with(&CHAIN, "DeviceRemoved", "0", r#"{"ClaimingAllowed":{"at":1}}"#);
    assert_eq!(other, Err(UnreadableEvent::WrongTag("DeviceRemoved".into())));
}

#[test]
fn an_unreadable_payload_is_located_and_not_shown() {
    let broken = decode("DeviceRemoved", "1", "{\"DeviceRemoved\":\n{\"at\":\"S3CR3T\"}}").map_err(|e| e.to_string());
    assert_eq!(
        broken,
        Err("the payload of event `DeviceRemoved` version `1` is malformed at line 2, column 14".into())
    );
}

#[test]
fn a_payload_nested_without_end_is_malformed() {
    let nested = format!(r#"{{"DeviceRemoved":{}"#, "[".repeat(100_000));
    assert!(matches!(decode("DeviceRemoved", "1", &nested), Err(UnreadableEvent::Malformed { .. })));
    assert!(matches!(decode_with(&CHAIN, "DeviceRemoved", "0", &nested), Err(UnreadableEvent::Malformed { .. })));
}

#[test]
fn the_bytes_of_an_event_are_the_serde_form_of_the_enum() {
    let encoded = codec::encode(&registered()).map_err(|e| e.to_string());
    assert_eq!(encoded.ok(), serde_json::to_string(&registered()).ok());
}

fn actor() -> impl Strategy<Value = Actor> {
    let id = any::<u128>().prop_map(Uuid::from_u128);
    prop_oneof![
        Just(Actor::System),
        id.clone().prop_map(|id| Actor::User(UserId(id))),
        id.clone().prop_map(|id| Actor::Device(DeviceId(id))),
        id.prop_map(|id| Actor::Gateway(DeviceId(id))),
    ]
}

fn transport() -> impl Strategy<Value = Transport> {
    use Transport::{Cli, Coap, Http, Internal, Mqtt, Rest};
    prop::sample::select(vec![Rest, Http, Mqtt, Coap, Cli, Internal])
}

proptest! {
    #[test]
    fn no_text_makes_decoding_panic(
        kind in prop::sample::select(codec::CURRENT.iter().map(|(kind, _)| *kind).collect::<Vec<_>>()),
        version in prop_oneof![Just("1".to_owned()), ".{0,4}"],
        payload in prop_oneof![".{0,200}", r#"\{"[A-Z][a-z]+[A-Z][a-z]+":\{("[a-zA-Z]{2,9}":(null|-?[0-9]{1,25}|"[^"]{0,40}"),?){0,6}\}\}"#],
    ) {
        let _ = decode(kind, &version, &payload);
        let _ = decode_with(&CHAIN, "DeviceRemoved", &version, &payload);
    }

    #[test]
    fn no_text_makes_metadata_panic(text in ".{0,200}") {
        let _ = Metadata::from_json(&text);
    }

    #[test]
    fn metadata_reads_back(
        actor in actor(), transport in transport(), correlation in ".{0,64}", command: u128, tenant: u128,
    ) {
        let metadata = Metadata {
            actor,
            transport,
            correlation_id: correlation.into(),
            command_id: CommandId(Uuid::from_u128(command)),
            tenant_id: TenantId(Uuid::from_u128(tenant)),
        };
        prop_assert_eq!(Metadata::from_json(&metadata.to_json()), Ok(metadata));
    }
}
