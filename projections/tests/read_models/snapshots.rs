//! Every projection over every story. A history's own log stands beside its read models, so that a snapshot can be
//! read alone.

use deed_domain::{
    device::{DeviceCommand, KeySlot, OwnerChange, Reclaimer, UnassignReason},
    ids::DeviceId,
};
use deed_projections::{
    ActiveKeys, ClaimHistory, DeviceList, Ownership,
    testing::{History, InMemoryActiveKeys, InMemoryClaimHistory, InMemoryDeviceList, InMemoryOwnership, read_model},
};
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::story::{Story, alice, bob, id};

const MINUTE: i64 = 60_000;

/// The four read models, and the log that they are made of.
fn read_models(history: &History) -> Value {
    let log: Vec<String> =
        history.events().iter().map(|event| format!("{} {}", event.position, event.event_type)).collect();
    json!({
        "log": log,
        "deviceList": read_model::<DeviceList, InMemoryDeviceList>(history).unwrap(),
        "ownership": read_model::<Ownership, InMemoryOwnership>(history).unwrap(),
        "activeKeys": read_model::<ActiveKeys, InMemoryActiveKeys>(history).unwrap(),
        "claimHistory": read_model::<ClaimHistory, InMemoryClaimHistory>(history).unwrap(),
    })
}

/// A device that registers its keys itself, from the first refusal to its second owner.
pub(crate) fn device_side() -> History {
    let device: DeviceId = id(0xd1);
    Story::begin()
        .register(device, "D-1", None)
        .issue(device, "too early", MINUTE)
        .admin(device, DeviceCommand::AllowClaiming)
        .issue(device, "old", MINUTE)
        .issue(device, "new", MINUTE)
        .wait(1_000)
        .claim(alice(), device, "new")
        .claim(bob(), device, "new")
        .wait(MINUTE)
        .admin(device, DeviceCommand::ReclaimDevice { by: Reclaimer::Customer(alice()) })
        .issue(device, "next", MINUTE)
        .wait(1_000)
        .claim(bob(), device, "next")
        .history
}

#[test]
fn a_device_issues_keys_and_is_claimed_twice() {
    assert_json_snapshot!(read_models(&device_side()));
}

#[test]
fn an_administrator_issues_keys_and_some_expire() {
    let (device, other): (DeviceId, DeviceId) = (id(0xd1), id(0xd2));
    let story = Story::begin()
        .register(device, "D-1", None)
        .register(other, "D-2", None)
        .add_key(device, KeySlot::AttributeText, "attribute", 5 * MINUTE)
        .add_key(device, KeySlot::Additional, "first", MINUTE)
        .add_key(device, KeySlot::Additional, "second", 9 * MINUTE)
        .add_key(other, KeySlot::AttributeObject, "other", 9 * MINUTE)
        .admin(other, DeviceCommand::RefuseClaimingData { key_id: id(0x1eff) })
        .wait(2 * MINUTE)
        .expire(device)
        .add_key(device, KeySlot::AttributeObject, "replaced", 5 * MINUTE)
        .admin(device, DeviceCommand::RevokeKey { key_id: id(0x1e03) })
        .add_key(other, KeySlot::Additional, "", 9 * MINUTE);
    assert_json_snapshot!("server_side_before_the_claim", read_models(&story.history));
    let story = story.claim(alice(), device, "replaced");
    assert_json_snapshot!("server_side_after_the_claim", read_models(&story.history));
}

#[test]
fn a_customer_guesses_until_it_is_locked_out() {
    let device: DeviceId = id(0xd1);
    let mut story = Story::begin().register(device, "D-1", None).claim(bob(), device, "nothing there yet").add_key(
        device,
        KeySlot::Additional,
        "right",
        90 * MINUTE,
    );
    for _ in 0..5 {
        story = story.wait(1_000).claim(alice(), device, "wrong");
    }
    for _ in 0..8 {
        story = story.wait(1_000).claim(alice(), device, "right");
    }
    story = story.wait(61 * MINUTE).claim(alice(), device, "wrong");
    story = story.claim(alice(), device, "right");
    assert_json_snapshot!(read_models(&story.history));
}

#[test]
fn owners_are_set_without_a_key_and_the_device_is_removed() {
    let (kept, removed): (DeviceId, DeviceId) = (id(0xd1), id(0xd2));
    let assign = |customer_id| DeviceCommand::AssignDevice { customer_id };
    let unassign = |reason| DeviceCommand::UnassignDevice { reason, only_from: None };
    let rename = |name: &str, owner| DeviceCommand::ChangeDevice {
        expected_version: None,
        name: name.into(),
        device_type: "thermostat".into(),
        label: Some("hall".into()),
        profile_id: id(0x9e),
        owner,
    };
    let story = Story::begin()
        .register(kept, "D-1", None)
        .register(removed, "D-2", Some(bob()))
        .wait(1_000)
        .admin(kept, assign(alice()))
        .add_key(kept, KeySlot::Additional, "written while owned", MINUTE)
        .wait(1_000)
        .admin(kept, assign(bob()))
        .wait(1_000)
        .admin(kept, unassign(UnassignReason::Unassigned))
        .admin(kept, rename("D-1b", OwnerChange::SetTo(alice())))
        .wait(1_000)
        .admin(kept, unassign(UnassignReason::CustomerDeleted))
        .add_key(removed, KeySlot::Additional, "gone with the device", MINUTE)
        .admin(removed, DeviceCommand::RemoveDevice)
        // The name is free again.
        .register(id(0xd3), "D-2", None);
    assert_json_snapshot!(read_models(&story.history));
}
