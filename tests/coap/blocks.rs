//! Requests and answers in parts.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{BLOCK1, BLOCK2, Client, GET, Message, OBSERVE, POST, SIZE1, block},
    deed::world::{World, secret, token_of},
    requests::claim_of,
};

fn body(size: usize) -> Vec<u8> {
    let start = format!(r#"{{"secretKey":"{}","pad":""#, secret("K"));
    format!("{start}{}\"}}", "x".repeat(size - start.len() - 2)).into_bytes()
}

impl Client {
    /// Sends it in parts until an answer ends that; gives the answers.
    async fn send_parts(&mut self, path: &str, body: &[u8], exponent: u32) -> Vec<Message> {
        let parts: Vec<_> = body.chunks(16 << exponent).collect();
        let mut answers = Vec::new();
        for (number, part) in (0..).zip(&parts) {
            let more = number as usize + 1 < parts.len();
            let request = self.request(POST, path, part).with(BLOCK1, block(number, more, exponent));
            answers.push(self.ask(request).await);
            if answers.last().is_some_and(|answer| answer.code() != "2.31") {
                break;
            }
        }
        answers
    }
}

#[tokio::test]
async fn a_request_may_come_in_parts() {
    let world = World::start().await;
    let mut client = Client::new(&world.server).await;
    for (exponent, size) in [(0, 90), (2, 200), (5, 1_200), (6, 3_000), (6, 65_536)] {
        let name = format!("D{exponent}-{size}");
        world.open_device(&name).await;
        let answers = client.send_parts(&claim_of(&name), &body(size), exponent).await;
        let (last, earlier) = answers.split_last().unwrap();
        for (number, answer) in (0_u32..).zip(earlier) {
            assert_eq!((answer.code().as_str(), answer.option(BLOCK1)), ("2.31", Some(number << 4 | 8 | exponent)));
        }
        let number = u32::try_from(earlier.len()).unwrap();
        assert_eq!((last.code().as_str(), last.option(BLOCK1)), ("2.01", Some(number << 4 | exponent)), "{size}");
        assert_eq!(world.claim_with(&world.customer_a, &name, "K").await.0, 200, "{size}");
    }
}

#[tokio::test]
async fn parts_that_do_not_fit_register_nothing() {
    let world = World::start().await;
    world.open_device("D").await;
    let mut client = Client::new(&world.server).await;
    let answers = client.send_parts(&claim_of("D"), &body(65_537), 6).await;
    let last = answers.last().unwrap();
    assert_eq!((answers.len(), last.code().as_str(), last.option(SIZE1)), (65, "4.13", Some(65_536)));
    let mut part = async |number, more, exponent, payload: &[u8], announced: Option<&[u8]>| {
        let request = client.request(POST, &claim_of("D"), payload).with(BLOCK1, block(number, more, exponent));
        let request = if let Some(size) = announced { request.with(SIZE1, size) } else { request };
        client.ask(request).await.code()
    };
    assert_eq!(part(0, true, 6, &[b'x'; 1_024], Some(&[1, 0, 1])).await, "4.13", "it is announced");
    assert_eq!(part(1, true, 2, &[b'x'; 64], None).await, "4.08", "the first one is missing");
    assert_eq!(part(0, true, 2, &[b'x'; 64], Some(&[200])).await, "2.31");
    assert_eq!(part(2, true, 2, &[b'x'; 64], None).await, "4.08", "one is missing");
    assert_eq!(part(0, true, 2, &[b'x'; 63], None).await, "4.00", "too short");
    assert_eq!(part(0, true, 7, &[b'x'; 64], None).await, "4.00", "there are no such parts");
    let request = client.request(POST, &claim_of("nobody"), [b'x'; 64]).with(BLOCK1, block(0, true, 2));
    assert_eq!(client.ask(request).await.code(), "4.01", "nobody's parts are kept");
    let other = Client::new(&world.server).await.request(POST, &claim_of("D"), "x").with(BLOCK1, block(1, false, 2));
    assert_eq!(Client::new(&world.server).await.ask(other).await.code(), "4.08", "another one's part");
    assert_eq!(world.claim_with(&world.customer_a, "D", "K").await.0, 400);
}

#[tokio::test]
async fn a_large_answer_is_fetched_in_parts() {
    let world = World::start().await;
    let id = world.device("D").await;
    let shared = format!("/api/plugins/telemetry/DEVICE/{id}/SHARED_SCOPE");
    world.call(Method::POST, &shared, Some(&world.tenant), Some(json!({"s": "x".repeat(3_000)}))).await;
    let mut client = Client::new(&world.server).await;
    let path = format!("api/v1/{}/attributes", token_of("D"));
    for exponent in [None, Some(4)] {
        let (mut all, mut number) = (Vec::new(), 0);
        let etag = loop {
            let request = client.request(GET, &path, "");
            let wanted = exponent.or((number > 0).then_some(6)).map(|exponent| block(number, false, exponent));
            let request = if let Some(wanted) = wanted { request.with(BLOCK2, wanted) } else { request };
            let answer = client.ask(request).await;
            let told = answer.option(BLOCK2).unwrap();
            assert_eq!((answer.code().as_str(), told >> 4, told & 7), ("2.05", number, exponent.unwrap_or(6)));
            assert!(answer.payload.len() <= 16 << (told & 7));
            all.extend(&answer.payload);
            number += 1;
            if told & 8 == 0 {
                break answer.options[0].clone();
            }
        };
        let read: Value = serde_json::from_slice(&all).unwrap();
        assert_eq!((read["shared"]["s"].as_str().unwrap().len(), etag.1.len()), (3_000, 8));
    }
    let request = client.request(GET, &path, "").with(BLOCK2, block(99, false, 6));
    assert_eq!(client.ask(request).await.code(), "4.00", "it has no such part");
    // Another client begins in the middle, and one observes.
    let mut other = Client::new(&world.server).await;
    let request = other.request(GET, &path, "").with(BLOCK2, block(2, false, 6));
    assert!(other.ask(request).await.text().ends_with("xxx\"}}"));
    let request = other.request(GET, &path, "").with(OBSERVE, "");
    assert_eq!(other.ask(request).await.option(BLOCK2), Some(8 | 6));
    world.call(Method::POST, &shared, Some(&world.tenant), Some(json!({"s": "y".repeat(1_500)}))).await;
    let told = other.notification().await;
    assert_eq!(told.option(BLOCK2), Some(8 | 6));
    let request = other.request(GET, &path, "").with(BLOCK2, block(1, false, 6));
    let rest = other.ask(request).await;
    let told: Value = serde_json::from_slice(&[told.payload, rest.payload].concat()).unwrap();
    assert_eq!(told, json!({"s": "y".repeat(1_500)}));
}
