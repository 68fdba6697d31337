//! Exported logs, read back.

use deed_domain::{
    ids::{DeviceId, Position, Sequence},
    ports::RecordedEvent,
    time::Timestamp,
};
use deed_projections::{
    ClaimHistory, DeviceList, Undecodable,
    testing::{ExportFault, History, InMemoryClaimHistory, InMemoryDeviceList, read_model},
};
use proptest::prelude::*;

use crate::{snapshots::device_side, story::id};

/// A line as `deed export` writes it.
fn line(event: &RecordedEvent) -> String {
    let RecordedEvent { position, device_id, sequence, recorded_at, event_type, event_version, payload, metadata } =
        event;
    format!(
        r#"{{"position":{position},"aggregateType":"device","aggregateId":"{device_id}","sequence":{sequence},"eventType":"{event_type}","eventVersion":"{event_version}","recordedAt":{recorded_at},"payload":{payload},"metadata":{metadata}}}"#
    )
}

fn export(events: &[RecordedEvent]) -> String {
    events.iter().map(|event| line(event) + "\n").collect()
}

fn fault(text: &str) -> (usize, String) {
    let error = History::from_export(text.as_bytes()).unwrap_err();
    (error.line, error.fault.to_string())
}

#[test]
fn an_exported_log_is_the_log() {
    let history = device_side();
    let read = History::from_export(export(history.events()).as_bytes()).unwrap();
    assert_eq!(read.events(), history.events());
    let steps = |history| read_model::<ClaimHistory, InMemoryClaimHistory>(history).unwrap();
    assert_eq!(steps(&read), steps(&history));
}

#[test]
fn a_log_that_was_read_goes_on() {
    let history = device_side();
    let read = History::from_export(export(history.events()).as_bytes()).unwrap();
    let removed = deed_domain::device::DeviceEvent::DeviceRemoved { at: Timestamp(0) };
    let (read, told) = (read.then(id(0xd1), removed.clone()), history.then(id(0xd1), removed));
    let (read, told) = (read.events().last().unwrap(), told.events().last().unwrap());
    assert_eq!((read.position, read.sequence, read.recorded_at), (told.position, told.sequence, told.recorded_at));
    assert_eq!(read.decode_metadata().unwrap().tenant_id, id(0x7e));
}

#[test]
fn a_part_of_a_log_has_gaps() {
    let history = device_side();
    let part: Vec<RecordedEvent> = history.events().iter().skip(2).step_by(2).cloned().collect();
    assert_eq!(History::from_export(export(&part).as_bytes()).unwrap().events(), part);
}

#[test]
fn bytes_are_kept_as_they_are() {
    let payload = r#"{ "DeviceRemoved" :{"later": 1e3,  "at":1735689600000,"é":"\u00e9" } }"#;
    let metadata = r#"{"actor": "system"}"#;
    let event = RecordedEvent {
        position: Position(7),
        device_id: id::<DeviceId>(0xd1),
        sequence: Sequence(3),
        recorded_at: Timestamp(-1),
        event_type: "DeviceRemoved".into(),
        event_version: "1".into(),
        payload: payload.into(),
        metadata: metadata.into(),
    };
    let read = History::from_export(format!("\n{}\r\n\n", line(&event)).as_bytes()).unwrap();
    assert_eq!(read.events(), [event]);
}

#[test]
fn a_fault_names_its_line_and_shows_nothing_of_it() {
    let good = line(&device_side().events()[0]);
    let also_good = line(&device_side().events()[1]);
    assert_eq!(fault("{\"secret"), (1, "not an exported event, at column 8".into()));
    assert_eq!(fault(&format!("{good}\n\nnull")), (3, "not an exported event, at column 4".into()));
    assert_eq!(fault(&format!("{good}\n{good}")), (2, "position 1 is not after position 1".into()));
    assert_eq!(fault(&format!("{also_good}\n{good}")), (2, "position 1 is not after position 2".into()));
    let customer = good.replace(r#""aggregateType":"device""#, r#""aggregateType":"customer""#);
    assert_eq!(fault(&customer), (1, "not an event of a device".into()));
    let without_payload = good.split(r#","payload""#).next().unwrap().to_owned() + "}";
    assert!(fault(&without_payload).1.starts_with("not an exported event"));
    assert!(matches!(History::from_export(&b"\xff\n"[..]).unwrap_err().fault, ExportFault::Malformed { .. }));
    assert!(matches!(
        History::from_export_file("no such file").unwrap_err().fault,
        ExportFault::Io(error) if error.kind() == std::io::ErrorKind::NotFound
    ));
}

#[test]
fn an_event_that_cannot_be_read_stops_the_projection() {
    let newer = export(device_side().events()).replace(r#""eventVersion":"1""#, r#""eventVersion":"2""#);
    let history = History::from_export(newer.as_bytes()).unwrap();
    let stopped = read_model::<DeviceList, InMemoryDeviceList>(&history);
    assert!(matches!(stopped, Err(Undecodable::Event(Position(1), _))));
}

/// Lines that are nearly right.
fn mangled() -> impl Strategy<Value = Vec<u8>> {
    let log = export(device_side().events()).into_bytes();
    let length = log.len();
    let edits = prop::collection::vec((0..length, any::<u8>(), any::<bool>()), 0..6);
    edits.prop_map(move |edits| {
        let mut bytes = log.clone();
        for (at, byte, cut) in edits {
            let at = at % bytes.len().max(1);
            if cut {
                bytes.truncate(at);
            } else if let Some(old) = bytes.get_mut(at) {
                *old = byte;
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(bytes in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..400),
        ".{0,300}".prop_map(String::into_bytes),
        mangled(),
    ]) {
        if let Ok(history) = History::from_export(&bytes[..]) {
            let _ = read_model::<ClaimHistory, InMemoryClaimHistory>(&history);
        }
    }

    #[test]
    fn what_is_written_is_read(
        rows in prop::collection::vec((1..9_u64, any::<u64>(), any::<i64>(), "[A-Za-z]{1,20}", "[0-9.]{1,5}"), 0..20),
        text in ".{0,40}",
    ) {
        let mut position = 0;
        let events: Vec<RecordedEvent> = rows.into_iter().map(|(gap, sequence, recorded_at, event_type, event_version)| {
            position += gap;
            RecordedEvent {
                position: Position(position),
                device_id: id(position),
                sequence: Sequence(sequence),
                recorded_at: Timestamp(recorded_at),
                event_type,
                event_version,
                payload: serde_json::Value::from(text.as_str()).to_string(),
                metadata: "{}".into(),
            }
        }).collect();
        let read = History::from_export(export(&events).as_bytes()).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(read.events(), events);
    }
}
