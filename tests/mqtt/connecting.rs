//! Who is let in, and what the others are told.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{BOTH, Client, NOTHING, Version, connect, packet},
    deed::world::World,
};

async fn answered(world: &World, version: Version, bytes: &[u8]) -> Vec<u8> {
    let mut client = Client::silent(&world.server, version).await;
    client.send(bytes).await;
    client.rest().await
}

#[tokio::test]
async fn who_is_not_known_is_told_so() {
    let world = World::start().await;
    let told = async |version, client_id, user, password| {
        answered(&world, version, &connect(version, client_id, user, password, 60)).await
    };
    assert_eq!(told(Version::V3, "c", Some("nobody"), None).await, [0x20, 2, 0, 5]);
    assert_eq!(told(Version::V3, "c", None, None).await, [0x20, 2, 0, 5]);
    assert_eq!(told(Version::V5, "c", Some("nobody"), None).await, [0x20, 3, 0, 0x86, 0]);
    assert_eq!(told(Version::V5, "c", Some(""), None).await, [0x20, 3, 0, 0x86, 0]);
    assert_eq!(told(Version::V5, "c", None, None).await, [0x20, 3, 0, 0x87, 0]);
}

#[tokio::test]
async fn what_is_no_introduction_is_cut_off() {
    let world = World::start().await;
    let mut old = packet(0x10, b"\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01c");
    assert_eq!(answered(&world, Version::V3, &old).await, [0x20, 2, 0, 1]);
    old[9] = 9;
    assert_eq!(answered(&world, Version::V3, &packet(0x10, b"\x00\x04MQTT\x03\x02\x00\x3c\x00\x01c")).await[3], 1);
    assert_eq!(answered(&world, Version::V3, &packet(0x10, b"\x00\x04mqtt\x04\x02\x00\x3c\x00\x01c")).await[3], 1);
    let newer = packet(0x10, b"\x00\x04MQTT\x06\x02\x00\x3c\x00\x00\x01c");
    assert_eq!(answered(&world, Version::V5, &newer).await, [0x20, 3, 0, 0x84, 0]);
    for version in BOTH {
        assert_eq!(answered(&world, version, &[0xc0, 0]).await, NOTHING, "{version:?}");
        let mut reserved = connect(version, "c", Some("A1_DEMO_TOKEN"), None, 60);
        reserved[9] |= 1;
        let malformed: &[u8] = if version == Version::V5 { &[0x20, 3, 0, 0x81, 0] } else { &NOTHING };
        assert_eq!(answered(&world, version, &reserved).await, malformed);
        assert_eq!(
            answered(&world, version, &connect(version, "c\0", Some("A1_DEMO_TOKEN"), None, 60)).await,
            malformed
        );
    }
}

#[tokio::test]
async fn a_client_without_an_id_gets_one() {
    let world = World::start().await;
    let mut client = Client::silent(&world.server, Version::V5).await;
    client.send(&connect(Version::V5, "", Some("A1_DEMO_TOKEN"), None, 60)).await;
    let connack = client.read().await;
    assert!(connack[3] == 0 && connack.contains(&18), "{connack:02x?}");
    let mut keeps = connect(Version::V3, "", Some("A1_DEMO_TOKEN"), None, 60);
    keeps[9] &= !2;
    assert_eq!(answered(&world, Version::V3, &keeps).await, [0x20, 2, 0, 2]);
}

/// A device with `MQTT_BASIC` credentials.
async fn basic(world: &World, name: &str, value: Value) {
    let id = world.device(name).await;
    let path = format!("/api/device/{id}/credentials");
    let (_, mut credentials) = world.call(Method::GET, &path, Some(&world.tenant), None).await;
    credentials["credentialsType"] = "MQTT_BASIC".into();
    credentials["credentialsId"] = json!(null);
    credentials["credentialsValue"] = value.to_string().into();
    let (status, saved) =
        world.call(Method::POST, "/api/device/credentials", Some(&world.tenant), Some(credentials)).await;
    assert_eq!(status, 200, "{path}: {saved}");
}

#[tokio::test]
async fn a_password_needs_no_user_name_in_mqtt_5() {
    let world = World::start().await;
    basic(&world, "Client", json!({"clientId": "c"})).await;
    // In two pieces, as a packet may come.
    let right = connect(Version::V5, "c", None, Some("p"), 60);
    let mut client = Client::silent(&world.server, Version::V5).await;
    client.send(&right[..9]).await;
    client.hears_nothing().await;
    client.send(&[&right[9..], &[0xc0, 0]].concat()).await;
    assert_eq!(client.read().await[3], 0);
    assert_eq!(client.read().await, [0xd0, 0], "what comes behind it is read, too");
    let wrong = connect(Version::V5, "d", None, Some("p"), 60);
    assert_eq!(answered(&world, Version::V5, &wrong).await, [0x20, 3, 0, 0x87, 0]);
    let old = connect(Version::V3, "c", None, Some("p"), 60);
    assert_eq!(answered(&world, Version::V3, &old).await, NOTHING, "MQTT 3.1.1 forbids it");
}

#[tokio::test]
async fn mqtt_credentials_let_in_whom_they_name() {
    let world = World::start().await;
    basic(&world, "Basic", json!({"clientId": "c", "userName": "u", "password": "p"})).await;
    for version in BOTH {
        let mut client = Client::silent(&world.server, version).await;
        client.send(&connect(version, "c", Some("u"), Some("p"), 60)).await;
        assert_eq!(client.read().await[3], 0);
        for (client_id, password) in [("c", Some("q")), ("c", None), ("d", Some("p"))] {
            let told = answered(&world, version, &connect(version, client_id, Some("u"), password, 60)).await;
            assert!([5, 0x86].contains(&told[3]), "{told:02x?}");
        }
    }
}

#[tokio::test]
async fn who_says_nothing_is_cut_off_after_ten_seconds() {
    let world = World::start().await;
    let mut client = Client::silent(&world.server, Version::V3).await;
    client.send(&[0x10, 20, 0, 4]).await;
    let began = tokio::time::Instant::now();
    assert_eq!(client.rest().await, NOTHING);
    assert!((8..15).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_is_silent_for_longer_than_it_said_is_cut_off() {
    let world = World::start().await;
    for (version, told) in [(Version::V3, &[][..]), (Version::V5, &[0xe0, 1, 0x8d][..])] {
        let mut client = Client::silent(&world.server, version).await;
        client.send(&connect(version, "c", Some("A1_DEMO_TOKEN"), None, 1)).await;
        client.read().await;
        tokio::time::sleep(Duration::from_millis(800)).await;
        client.send(&[0xc0, 0]).await;
        assert_eq!(client.read().await, [0xd0, 0]);
        let rest = client.rest().await;
        assert!(rest == told || rest == [0xe0, 2, 0x8d, 0], "{rest:02x?}");
    }
}

#[tokio::test]
async fn who_is_silent_for_long_is_cut_off_whatever_it_said() {
    let world = World::start_with(&[("TB_TRANSPORT_SESSIONS_INACTIVITY_TIMEOUT", "1000")]).await;
    for (version, told) in [(Version::V3, &NOTHING[..]), (Version::V5, &[0xe0, 2, 0xa0, 0])] {
        for keep_alive in [0, 30] {
            let mut client = Client::silent(&world.server, version).await;
            client.send(&connect(version, "c", Some("A1_DEMO_TOKEN"), None, keep_alive)).await;
            client.read().await;
            tokio::time::sleep(Duration::from_millis(700)).await;
            client.send(&[0xc0, 0]).await;
            assert_eq!(client.read().await, [0xd0, 0]);
            client.hears_nothing().await;
            assert_eq!(client.rest().await, told);
        }
    }
}

#[tokio::test]
async fn a_client_is_told_what_there_is_not() {
    let world = World::start().await;
    let mut client = Client::silent(&world.server, Version::V5).await;
    client.send(&connect(Version::V5, "c", Some("A1_DEMO_TOKEN"), None, 60)).await;
    let connack = client.read().await;
    for none in [[41, 0], [42, 0]] {
        assert!(connack[5..].windows(2).any(|property| property == none), "{none:?} in {connack:02x?}");
    }
}

#[tokio::test]
async fn subscription_identifiers_are_not_supported() {
    let world = World::start().await;
    let filter = b"\x00\x18v1/devices/me/attributes\x01";
    let subscribe = packet(0x82, &[&[0, 9, 2, 11, 5][..], filter].concat());
    let publish = packet(0x32, b"\x00\x04v2/c\x00\x07\x02\x0b\x05{}");
    for (bytes, told) in [(subscribe, 0xa1), (publish, 0x82)] {
        let mut client = Client::connect(&world.server, Version::V5, "A1_DEMO_TOKEN").await;
        client.send(&bytes).await;
        assert_eq!(client.rest().await, [0xe0, 2, told, 0]);
    }
}

#[tokio::test]
async fn subscriptions_are_not_shared() {
    let world = World::start().await;
    for (version, shared, other) in [(Version::V5, 0x9e, 0x8f), (Version::V3, 0x80, 0x80)] {
        let mut client = Client::connect(&world.server, version, "A1_DEMO_TOKEN").await;
        let granted =
            client.subscribe(&["$share/g/v1/devices/me/attributes", "$shared", "v1/devices/me/attributes"]).await;
        assert_eq!(granted, [shared, other, 1]);
    }
}
