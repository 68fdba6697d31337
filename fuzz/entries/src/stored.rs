//! What stands in the log beside an event's place in it.

use deed_domain::{codec, metadata::Metadata};

/// A version that no event was ever written in.
const NEVER_WRITTEN: &str = "0";

/// An event's payload: of one type at most, and the same event once it was written again.
pub fn event(input: &[u8]) -> bool {
    let Ok(payload) = str::from_utf8(input) else { return false };
    let mut accepted = false;
    for (event_type, version) in codec::CURRENT {
        assert!(codec::decode(event_type, NEVER_WRITTEN, payload).is_err(), "{event_type} of an unknown version");
        let Ok(event) = codec::decode(event_type, version, payload) else { continue };
        assert!(!accepted, "a payload of two types, {event_type} being one");
        accepted = true;
        assert_eq!((codec::event_type(&event), codec::current_version(&event)), (*event_type, *version));
        let again = codec::encode(&event).map(|text| codec::decode(event_type, version, &text));
        assert!(matches!(again, Ok(Ok(again)) if again == event), "{event_type} does not read back");
    }
    accepted
}

/// An event's metadata: the same once it was written again.
pub fn metadata(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let Ok(metadata) = Metadata::from_json(text) else { return false };
    assert_eq!(Metadata::from_json(&metadata.to_json()), Ok(metadata));
    true
}
