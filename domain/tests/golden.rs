//! The stored form of every event and of the metadata, byte for byte: what was written once is read for ever.
//!
//! `golden/<Type>.v<version>.json` has every member, `golden/<Type>.v<version>.minimal.json` only those that are always
//! there. When an event's shape changes, its old files stay and new ones come beside them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use deed_domain::{
    codec,
    device::{
        ClaimRefusedReason, DeviceEvent, IssueRefusedReason, KeyOrigin, KeySlot, LockScope, RevokeReason,
        UnassignReason,
    },
    metadata::Metadata,
};
use serde_json::{Value, json};

const METADATA: [&str; 4] = ["Metadata.device", "Metadata.gateway", "Metadata.system", "Metadata.user"];

/// Every golden file's text by its name without `.json`.
fn golden() -> io::Result<BTreeMap<String, String>> {
    fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"))?
        .map(|file| {
            let path = file?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok((name.trim_end_matches(".json").to_owned(), fs::read_to_string(path)?))
        })
        .collect()
}

/// The event's type and version that a golden file is of.
fn kind(name: &str) -> Option<(&str, &str)> {
    name.strip_suffix(".minimal").unwrap_or(name).split_once(".v")
}

#[test]
fn every_type_and_version_that_is_written_has_its_file() {
    let golden = golden().unwrap();
    for (event_type, version) in codec::CURRENT {
        assert!(golden.contains_key(&format!("{event_type}.v{version}")), "{event_type} version {version}");
    }
}

#[test]
fn every_file_is_of_an_event_that_is_read_or_of_the_metadata() {
    let old = |kind: (&str, &str)| codec::UPCASTERS.iter().any(|step| (step.event_type, step.from) == kind);
    for name in golden().unwrap().keys() {
        let read = kind(name).is_some_and(|kind| codec::CURRENT.contains(&kind) || old(kind));
        assert!(read || METADATA.contains(&name.as_str()), "nothing reads golden/{name}.json");
    }
}

#[test]
fn every_event_reads_and_writes_the_same_bytes() {
    for (name, text) in golden().unwrap() {
        let Some((event_type, version)) = kind(&name) else { continue };
        let event = codec::decode(event_type, version, &text).unwrap();
        assert_eq!(codec::event_type(&event), event_type);
        if codec::current_version(&event) == version {
            assert_eq!(codec::encode(&event).unwrap() + "\n", text, "golden/{name}.json");
        }
    }
}

#[test]
fn cqrs_es_tools_read_the_same_bytes_through_plain_serde() {
    for (name, text) in golden().unwrap() {
        let Some((event_type, version)) = kind(&name) else { continue };
        if codec::CURRENT.contains(&(event_type, version)) {
            let plain: DeviceEvent = serde_json::from_value(serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(Ok(plain), codec::decode(event_type, version, &text), "golden/{name}.json");
        }
    }
}

#[test]
fn a_minimal_file_lacks_members_that_the_full_one_has() {
    let golden = golden().unwrap();
    let members = |text: &str, event_type: &str| -> BTreeSet<String> {
        let payload: Value = serde_json::from_str(text).unwrap();
        payload[event_type].as_object().unwrap().keys().cloned().collect()
    };
    for (name, text) in &golden {
        let (Some(full), Some((event_type, _))) = (name.strip_suffix(".minimal"), kind(name)) else { continue };
        let (few, all) = (members(text, event_type), members(&golden[full], event_type));
        assert!(few.is_subset(&all) && few != all, "golden/{name}.json");
    }
}

/// A member that a full file leaves out would not be noticed when its name changes.
#[test]
fn every_optional_member_stands_in_a_full_file() {
    let full: Vec<Value> = golden()
        .unwrap()
        .iter()
        .filter(|(name, _)| !name.ends_with(".minimal"))
        .map(|(_, text)| serde_json::from_str(text).unwrap())
        .collect();
    for (event_type, member) in [
        ("DeviceRegistered", "label"),
        ("DeviceChanged", "label"),
        ("ClaimIssued", "empty"),
        ("ClaimIssued", "notBefore"),
        ("IssueRefused", "keyId"),
        ("IssueRefused", "suppressed"),
        ("ClaimRefused", "failures"),
        ("ClaimRefused", "suppressed"),
        ("ClaimRefused", "alert"),
        ("DeviceAssigned", "previous"),
    ] {
        assert!(full.iter().any(|payload| !payload[event_type][member].is_null()), "{event_type}.{member}");
    }
}

#[test]
fn metadata_reads_and_writes_the_same_bytes() {
    let golden = golden().unwrap();
    for name in METADATA {
        let metadata = Metadata::from_json(&golden[name]).unwrap();
        assert_eq!(metadata.to_json() + "\n", golden[name], "golden/{name}.json");
    }
}

/// The words inside events are stored, too. New ones may be added; none is ever changed.
#[test]
fn the_words_in_events_are_frozen() {
    let words = json!({
        "KeyOrigin": KeyOrigin::ALL,
        "KeySlot": KeySlot::ALL,
        "RevokeReason": RevokeReason::ALL,
        "IssueRefusedReason": IssueRefusedReason::ALL,
        "ClaimRefusedReason": ClaimRefusedReason::ALL,
        "LockScope": LockScope::ALL,
        "UnassignReason": UnassignReason::ALL,
    });
    let frozen = json!({
        "KeyOrigin": ["device", "gateway", "admin"],
        "KeySlot": ["device", "attribute-text", "attribute-object", "additional"],
        "RevokeReason": [
            "superseded", "withdrawn", "used", "claimed", "reclaimed", "assigned", "unassigned", "customer-deleted",
            "removed",
        ],
        "IssueRefusedReason": ["not-allowed", "already-claimed", "undecodable", "other-gateway"],
        "ClaimRefusedReason": [
            "wrong-key", "expired", "nothing-to-claim", "not-allowed", "already-claimed", "locked",
        ],
        "LockScope": ["device", "all-devices"],
        "UnassignReason": ["unassigned", "customer-deleted"],
    });
    assert_eq!(words, frozen);
}
