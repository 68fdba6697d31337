//! What was acknowledged, held against the log and what the nodes say.

use std::collections::BTreeMap;

use reqwest::Client;
use serde_json::Value;

use crate::{
    load::Told,
    nodes::{Cluster, NODES},
};

const NOBODY: &str = "13814000-1dd2-11b2-8080-808080808080";

/// Nothing that was told is missing, nothing happened twice, no device had two owners, and the log and its read models are
/// whole.
pub(crate) async fn expect_true(cluster: &Cluster, told: &[Told]) {
    assert_ne!(told.len(), 0);
    cluster.expect_undamaged();
    let log = cluster.export();
    let mut devices: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (index, event) in log.iter().enumerate() {
        assert_eq!(event["position"], index + 1, "positions have no gaps");
        devices.entry(event["aggregateId"].as_str().unwrap()).or_default().push(event);
    }
    let client = Client::new();
    for (number, device) in told.iter().enumerate() {
        let events = devices.get(&*device.id).unwrap_or_else(|| panic!("{} is lost", device.name));
        let found = |name: &str| events.iter().filter(|event| event["eventType"] == name).count();
        for (event, count) in &device.exactly {
            assert_eq!(found(event), *count, "{event} of {}: {events:#?}", device.name);
        }
        let (issued, all) = (found("ClaimIssued"), device.issued + device.perhaps_issued);
        assert!((device.issued..=all).contains(&issued), "{issued} keys of {}, told {}", device.name, device.issued);
        let (owners, owner, version) = history(events);
        assert_eq!(owners, device.owners, "{}: {events:#?}", device.name);

        let url = format!("{}/api/device/{}", cluster.directory().of(number % NODES).url, device.id);
        let said = client.get(url).bearer_auth(&cluster.people.tenant).send().await.unwrap();
        let said: Value = said.json().await.unwrap();
        assert_eq!(said["customerId"]["id"], owner.unwrap_or(NOBODY), "{}", device.name);
        assert_eq!(said["version"], version, "{}", device.name);
        let url = format!("{}/api/audit/devices/{}/events", cluster.directory().of(number % NODES).url, device.id);
        let said = client.get(url).bearer_auth(&cluster.people.tenant).send().await.unwrap();
        let said: Vec<Value> = said.json().await.unwrap();
        let positions = said.iter().map(|event| &event["position"]);
        assert!(positions.eq(events.iter().map(|event| &event["position"])), "{}: {said:?}", device.name);
    }
}

/// Who has owned a device one after the other, who owns it, and its version.
fn history<'e>(events: &[&'e Value]) -> (Vec<&'e str>, Option<&'e str>, u64) {
    let (mut owners, mut owner, mut version) = (Vec::new(), None, 0);
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["sequence"], index + 1, "{event}");
        let kind = event["eventType"].as_str().unwrap();
        let data = &event["payload"][kind];
        match kind {
            "DeviceClaimed" | "DeviceAssigned" => {
                assert_eq!(owner, None, "two owners: {events:#?}");
                owner = data["customerId"].as_str();
                owners.extend(owner);
            }
            "DeviceReclaimed" | "DeviceUnassigned" => {
                assert_eq!(data["customerId"].as_str(), owner.take(), "{events:#?}");
            }
            _ => {}
        }
        version = data["version"].as_u64().unwrap_or(version);
    }
    (owners, owner, version)
}
