//! Devices that wait to hear what becomes of them.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    client::{Client, GET, MAX_AGE, Message, OBSERVE, POST, RST},
    deed::world::{World, token_of},
    requests::{claim_of, key},
};

impl Client {
    async fn observe(&mut self, path: &str, token: &[u8]) -> Message {
        let request = self.request(GET, path, "").with(OBSERVE, "");
        self.ask(Message { token: token.to_vec(), ..request }).await
    }
}

fn state(message: &Message) -> String {
    let state: Value = serde_json::from_slice(&message.payload).unwrap();
    state["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_device_hears_what_becomes_of_it() {
    let world = World::start().await;
    world.open_device("D").await;
    let mut client = Client::new(&world.server).await;
    let first = client.observe(&claim_of("D"), b"o").await;
    assert_eq!((state(&first).as_str(), first.option(OBSERVE), first.option(MAX_AGE)), ("none", Some(0), Some(300)));
    let mut other = Client::new(&world.server).await;
    assert_eq!(other.post(&claim_of("D"), key("K")).await, "2.01");
    let opened = client.notification().await;
    assert_eq!((state(&opened).as_str(), &*opened.token, opened.option(OBSERVE)), ("open", &b"o"[..], Some(1)));
    assert_eq!(world.claim_with(&world.customer_a, "D", "K").await.0, StatusCode::OK);
    let claimed = client.notification().await;
    assert_eq!((state(&claimed).as_str(), claimed.option(OBSERVE)), ("claimed", Some(2)));
    assert_eq!(world.reclaim(&world.customer_a, "D").await.0, StatusCode::OK);
    assert_eq!(state(&client.notification().await), "reclaimed");
    let request = other.request(POST, &claim_of("D"), r#"{"durationMs":300}"#);
    assert_eq!(other.ask(request).await.code(), "2.01");
    assert_eq!(state(&client.notification().await), "open");
    assert_eq!(state(&client.notification().await), "expired", "by itself");
    client.hears_nothing().await;
}

#[tokio::test]
async fn who_has_heard_enough_is_told_nothing_more() {
    let world = World::start().await;
    world.open_device("D").await;
    let mut device = Client::new(&world.server).await;
    let mut change = {
        let mut n = 0;
        async move |device: &mut Client| {
            n += 1;
            assert_eq!(device.post(&claim_of("D"), key(&n.to_string())).await, "2.01");
        }
    };
    // Observe 1; a plain GET under the same token; a reset.
    for how in 0..3 {
        let mut client = Client::new(&world.server).await;
        assert!(client.observe(&claim_of("D"), b"o").await.option(OBSERVE).is_some());
        change(&mut device).await;
        let told = client.read().await;
        assert_eq!(state(&told), "open");
        if how == 2 {
            client.send(&Message { kind: RST, id: told.id, ..Message::default() }.write()).await;
        } else {
            client.send(&Message { kind: 2, id: told.id, ..Message::default() }.write()).await;
            let request = Message { token: b"o".to_vec(), ..client.request(GET, &claim_of("D"), "") };
            let request = if how == 0 { request.with(OBSERVE, [1]) } else { request };
            let answer = client.ask(request).await;
            assert_eq!((answer.code().as_str(), answer.option(OBSERVE)), ("2.05", None));
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        change(&mut device).await;
        client.hears_nothing().await;
    }
}

#[tokio::test]
async fn attributes_are_observed_too() {
    let world = World::start().await;
    let id = world.device("D").await;
    let mut client = Client::new(&world.server).await;
    let first = client.observe(&format!("api/v1/{}/attributes", token_of("D")), b"a").await;
    assert_eq!((first.code().as_str(), first.text().as_str(), first.option(OBSERVE)), ("2.05", "{}", Some(0)));
    let shared = format!("/api/plugins/telemetry/DEVICE/{id}/SHARED_SCOPE");
    world.call(Method::POST, &shared, Some(&world.tenant), Some(json!({"s": 1}))).await;
    assert_eq!(client.notification().await.text(), r#"{"s":1}"#);
    world.call(Method::DELETE, &format!("{shared}?keys=s"), Some(&world.tenant), None).await;
    assert_eq!(client.notification().await.text(), r#"{"deleted":["s"]}"#);
}

#[tokio::test]
async fn a_device_may_observe_so_often_and_no_longer_than_it_is_let_in() {
    let world = World::start().await;
    let id = world.open_device("D").await;
    let mut client = Client::new(&world.server).await;
    for n in 0..4 {
        assert!(client.observe(&claim_of("D"), &[n]).await.option(OBSERVE).is_some(), "{n}");
    }
    assert_eq!(client.observe(&claim_of("D"), &[0]).await.option(OBSERVE), Some(1), "once more is not once too often");
    // As after the power failed, when the device asks under another token.
    assert_eq!(client.observe(&claim_of("D"), &[4]).await.option(OBSERVE), Some(0));
    assert_eq!(Client::new(&world.server).await.post(&claim_of("D"), key("K")).await, "2.01");
    let mut told = Vec::new();
    for _ in 0..4 {
        told.extend(client.notification().await.token);
    }
    told.sort_unstable();
    assert_eq!(told, [0, 2, 3, 4], "the new one has the place of the one that asked longest ago");
    client.hears_nothing().await;
    let path = format!("/api/device/{id}/credentials");
    let (_, mut credentials) = world.call(Method::GET, &path, Some(&world.tenant), None).await;
    credentials["credentialsId"] = json!("another");
    let saved = world.call(Method::POST, "/api/device/credentials", Some(&world.tenant), Some(credentials)).await;
    assert_eq!(saved.0, StatusCode::OK, "{}", saved.1);
    for _ in 0..4 {
        let end = client.notification().await;
        assert_eq!((end.code().as_str(), end.option(OBSERVE)), ("4.01", None));
    }
}
