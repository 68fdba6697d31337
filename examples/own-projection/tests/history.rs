//! The read model over a recorded history: what `deed export` wrote of an installation's first days.

use std::{collections::HashMap, fs};

use cqrs_es::{EventEnvelope, View};
use deed_domain::{codec, device::Device};
use own_projection::outcomes::KeyOutcomes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A line of `deed export`, as far as it is needed here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    aggregate_id: String,
    sequence: usize,
    event_type: String,
    event_version: String,
    payload: Box<RawValue>,
    metadata: HashMap<String, String>,
}

fn history() -> Vec<EventEnvelope<Device>> {
    let export = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/history.jsonl")).unwrap();
    let read = |line| {
        let Line { aggregate_id, sequence, event_type, event_version, payload, metadata } =
            serde_json::from_str(line).unwrap();
        let payload = codec::decode(&event_type, &event_version, payload.get()).unwrap();
        EventEnvelope { aggregate_id, sequence, payload, metadata }
    };
    export.lines().map(read).collect()
}

#[test]
fn what_became_of_the_keys() {
    let mut outcomes = KeyOutcomes::default();
    history().iter().for_each(|event| outcomes.update(event));
    insta::assert_snapshot!(outcomes);
}

/// Why events are not read in the order in which postgres-es streams them: the same events make something else of it.
#[test]
fn what_became_of_the_keys_depends_on_the_order() {
    let (mut in_order, mut by_sequence) = (KeyOutcomes::default(), KeyOutcomes::default());
    let mut history = history();
    history.iter().for_each(|event| in_order.update(event));
    history.sort_by_key(|event| event.sequence);
    history.iter().for_each(|event| by_sequence.update(event));
    assert_ne!(in_order.to_string(), by_sequence.to_string());
}
