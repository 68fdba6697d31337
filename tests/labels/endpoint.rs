//! `/api/devices/labels` (`docs/protocol.md`, labels).

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    deed::world::{World, percent},
    reader::{A4, LETTER, Link, links, links_on_sheets, text_of_pdf},
};

/// Status, headers and body of a request for labels, by the tenant's administrator.
pub(crate) async fn ask(
    world: &World,
    method: Method,
    query: &str,
    body: Option<Value>,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let url = format!("{}/api/devices/labels{query}", world.server.url);
    let mut request = world.client.request(method, url).bearer_auth(&world.tenant);
    request = request.header("Accept", "application/problem+json");
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap().to_vec())
}

/// The code word of a refusal.
async fn refusal(world: &World, query: &str) -> (u16, String) {
    let (status, _, body) = ask(world, Method::GET, query, None).await;
    let told: Value = serde_json::from_slice(&body).unwrap();
    (status.as_u16(), told["code"].as_str().unwrap().to_owned())
}

/// How many active keys the device has.
async fn keys(world: &World, id: &str) -> usize {
    let (_, keys) = world.call(Method::GET, &format!("/api/devices/{id}/claim-keys"), Some(&world.tenant), None).await;
    keys.as_array().unwrap().len()
}

async fn claim(world: &World, link: &Link) -> StatusCode {
    let body = json!({"secretKey": link.key.as_ref().unwrap()});
    let (status, answer) = world.claim(&world.customer_a, &link.name, body).await;
    assert!(status != StatusCode::OK || answer["response"] == "SUCCESS", "{answer}");
    status
}

#[tokio::test]
async fn the_code_of_every_format_leads_to_a_link_that_claims() {
    let (world, directory) = (World::start().await, TempDir::new().unwrap());
    let forms = [
        "format=svg",
        "format=png",
        "format=png&dpi=600",
        "format=zpl",
        "format=zpl&dpi=300&size=62x29",
        "format=pdf",
        "paper=letter",
        "paper=label&size=25x50",
        "paper=label",
    ];
    for (number, form) in forms.iter().enumerate() {
        let name = format!("L{number} ü^~_\\,+&#");
        let id = world.device(&name).await;
        let query = format!("?{form}&deviceName={}", percent(&name));
        let (status, headers, label) = ask(&world, Method::GET, &query, None).await;
        assert_eq!(status, StatusCode::OK, "{form}: {}", String::from_utf8_lossy(&label));
        let format = form.strip_prefix("format=").and_then(|rest| rest.split('&').next()).unwrap_or("pdf");
        assert_eq!(headers["content-disposition"], format!("attachment; filename=\"labels.{format}\""));
        assert_eq!(
            (&headers["cache-control"], &headers["deed-labels"]),
            (&"no-store".parse().unwrap(), &"1".parse().unwrap())
        );
        let read = links(directory.path(), format, &label);
        let [link] = &read[..] else { panic!("{form}: {read:?}") };
        assert_eq!((&link.base, &link.name), (&world.server.url, &name), "{form}");
        assert_eq!(link.key.as_ref().unwrap().len(), 19, "{form}");
        assert_eq!(keys(&world, &id).await, 1);
        assert_eq!(claim(&world, link).await, StatusCode::OK, "{form}");
    }
    let log = world.server.stop().1;
    assert!(!log.contains("claim#"), "{log}");
}

#[tokio::test]
async fn sheets_hold_a_label_for_each_device() {
    let (world, directory) = (World::start().await, TempDir::new().unwrap());
    let names: Vec<_> = (1..=24).map(|number| format!("Sensor {number:02} Ωμ")).collect();
    for name in &names {
        world.device(name).await;
    }
    for (paper, sheet, skip) in [("a4", A4, 2), ("letter", LETTER, 29)] {
        let body = json!({"deviceNames": names, "paper": paper, "skip": skip, "durationMs": 86_400_000});
        let (status, headers, sheets) = ask(&world, Method::POST, "", Some(body)).await;
        assert_eq!((status, &headers["deed-labels"]), (StatusCode::OK, &"24".parse().unwrap()));
        let places = links_on_sheets(directory.path(), &sheet, 2, &sheets);
        let read: Vec<_> = places.iter().skip(skip).take(24).flatten().collect();
        let found: Vec<_> = read.iter().map(|link| link.name.clone()).collect();
        assert_eq!((found, places.iter().flatten().count()), (names.clone(), 24), "{paper}");
        let text = text_of_pdf(directory.path(), &sheets);
        for link in &read {
            let key = link.key.as_ref().unwrap();
            assert!(
                text.contains(&link.name) && text.contains(&key[..9]) && text.contains(&key[10..]),
                "{link:?}: {text}"
            );
        }
        let keys: BTreeSet<_> = read.iter().map(|link| link.key.clone()).collect();
        assert_eq!(keys.len(), 24, "no two keys are the same");
        assert_eq!(claim(&world, read[7]).await, StatusCode::OK);
        world.reclaim(&world.tenant, &read[7].name).await;
    }
}

#[tokio::test]
async fn what_cannot_be_printed_makes_no_key() {
    let world = World::start().await;
    let id = world.device("温度計").await;
    let long = "ü".repeat(255);
    let long_id = world.device(&long).await;
    let named = |form: &str, name: &str| format!("?{form}&deviceName={}", percent(name));
    assert_eq!(refusal(&world, &named("format=png", "温度計")).await, (400, "name_not_printable".to_owned()));
    let both = format!("?deviceIds={id},{long_id}");
    assert_eq!(refusal(&world, &both).await, (400, "name_not_printable".to_owned()));
    assert_eq!(refusal(&world, &named("paper=a4", &long)).await, (400, "name_too_long_for_size".to_owned()));
    assert_eq!(refusal(&world, &format!("{both}&format=svg")).await, (400, "validation_failed".to_owned()));
    for query in ["", "?type=no-such-type", "?deviceName=no-such-device"] {
        let expected = if query.is_empty() { (400, "malformed_request") } else { (404, "not_found") };
        assert_eq!(refusal(&world, query).await, (expected.0, expected.1.to_owned()), "{query}");
    }
    assert_eq!(refusal(&world, &named("expirationTime=1&format=svg", "温度計")).await.0, 400);
    // Neither does what only looks.
    let query = named("format=svg", "温度計");
    let (status, headers, _) = ask(&world, Method::HEAD, &query, None).await;
    assert_eq!((status, &headers["allow"]), (StatusCode::METHOD_NOT_ALLOWED, &"GET,POST".parse().unwrap()));
    let url = format!("{}/api/devices/labels{query}", world.server.url);
    let named_command = world.client.get(url).bearer_auth(&world.tenant).header("Idempotency-Key", "k");
    assert_eq!(named_command.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    let (status, _, plain) = ask(&world, Method::GET, &format!("{query}&keys=none"), None).await;
    assert!(status == StatusCode::OK && String::from_utf8(plain).unwrap().contains("温度計"));
    assert_eq!((keys(&world, &id).await, keys(&world, &long_id).await), (0, 0));
    // Viewers of this format have a font.
    let directory = TempDir::new().unwrap();
    let (_, _, label) = ask(&world, Method::GET, &query, None).await;
    let read = links(directory.path(), "svg", &label);
    assert_eq!((read.len(), claim(&world, &read[0]).await), (1, StatusCode::OK));
}

#[tokio::test]
async fn devices_with_an_owner_are_left_out() {
    let (world, directory) = (World::start().await, TempDir::new().unwrap());
    let (free, owned) = (world.device("Free").await, world.open_device("Owned").await);
    world.register("Owned", "k", 60_000).await;
    assert_eq!(world.claim_with(&world.customer_b, "Owned", "k").await.0, StatusCode::OK);
    assert_eq!(refusal(&world, "?deviceName=Owned").await, (409, "already_claimed".to_owned()));
    let body = json!({"deviceIds": [owned, free], "paper": "label"});
    let (_, headers, label) = ask(&world, Method::POST, "", Some(body.clone())).await;
    assert_eq!((&headers["deed-labels"], &headers["deed-left-out"]), (&"1".parse().unwrap(), &"1".parse().unwrap()));
    let read = links(directory.path(), "pdf", &label);
    assert_eq!((read.len(), read[0].name.as_str()), (1, "Free"));
    // A label without a key says only which device it is.
    let mut body = body;
    body["keys"] = "none".into();
    let (_, headers, label) = ask(&world, Method::POST, "", Some(body)).await;
    assert_eq!(headers["deed-labels"], "2");
    let read = links(directory.path(), "pdf", &label);
    assert!(read.len() == 2 && read.iter().all(|link| link.key.is_none() && link.expires.is_none()), "{read:?}");
    assert_eq!((keys(&world, &free).await, keys(&world, &owned).await), (1, 0));
    // Other tenants' devices are not there, and pages of other origins see what the headers say.
    let url = format!("{}/api/devices/labels?deviceIds={free}", world.server.url);
    let answer = world.client.get(url).bearer_auth(&world.customer_a).header("Origin", "https://shop.example").send();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap().to_owned();
    assert!(exposed.contains("deed-labels") && exposed.contains("deed-left-out"), "{exposed}");
}

#[tokio::test]
async fn devices_are_found_as_in_the_list_of_devices_by_claiming() {
    let world = World::start().await;
    let bare = world.device("S-1 bare").await;
    world.device("S-2 with a key").await;
    world.open_device("S-3 owned").await;
    world.register("S-3 owned", "k", 60_000).await;
    assert_eq!(world.claim_with(&world.customer_a, "S-3 owned", "k").await.0, StatusCode::OK);
    let named = format!("?format=zpl&deviceName={}", percent("S-2 with a key"));
    assert_eq!(ask(&world, Method::GET, &named, None).await.0, StatusCode::OK);
    for query in
        ["", "&state=unowned", "&state=open", "&state=owned", "&state=open&textSearch=s-2", "&textSearch=Customer%20A"]
    {
        let (_, listed) = world
            .call(Method::GET, &format!("/api/devices/claiming?page=0&pageSize=100{query}"), Some(&world.tenant), None)
            .await;
        let asked = if query.is_empty() { "&all=true" } else { query };
        let (status, headers, labels) = ask(&world, Method::GET, &format!("?format=zpl&keys=none{asked}"), None).await;
        assert_eq!(status, StatusCode::OK, "{query}");
        let labels = String::from_utf8(labels).unwrap();
        let found = listed["data"].as_array().unwrap();
        assert_eq!(headers["deed-labels"], found.len().to_string().as_str(), "{query}");
        for device in found {
            let name = device["name"].as_str().unwrap().replace(' ', "%20");
            assert!(labels.contains(&format!("claim#n={name}^FS")), "{query}: {name}");
        }
    }
    // All of them get keys but those that a customer owns.
    let list = "/api/devices/claiming?page=0&pageSize=1&state=owned";
    let (_, owned) = world.call(Method::GET, list, Some(&world.tenant), None).await;
    let (status, headers, _) = ask(&world, Method::POST, "", Some(json!({"all": true}))).await;
    assert_eq!(
        (status, headers["deed-left-out"].to_str().unwrap()),
        (StatusCode::OK, &*owned["totalElements"].to_string())
    );
    assert_eq!(keys(&world, &bare).await, 1);
    assert_eq!(refusal(&world, "?all=false").await.0, 400);
}

#[tokio::test]
async fn a_device_with_all_the_keys_it_may_have_keeps_its_place() {
    let (world, directory) = (World::start().await, TempDir::new().unwrap());
    let full = world.device("Full of keys").await;
    world.device("Other").await;
    let print = async || ask(&world, Method::GET, "?format=zpl&deviceName=Full%20of%20keys", None).await.0;
    for _ in 0..32 {
        assert_eq!(print().await, StatusCode::OK);
    }
    assert_eq!(keys(&world, &full).await, 32);
    assert_eq!(refusal(&world, "?deviceName=Full%20of%20keys").await, (400, "too_many_keys".to_owned()));
    let body = json!({"deviceNames": ["Full of keys", "Other"]});
    let (status, _, sheet) = ask(&world, Method::POST, "", Some(body)).await;
    assert_eq!(status, StatusCode::OK);
    let read = links(directory.path(), "pdf", &sheet);
    assert_eq!((read.len(), read[0].name.as_str()), (1, "Other"));
    let text = text_of_pdf(directory.path(), &sheet);
    assert!(text.contains("Not printed") && text.matches("Full of keys").count() == 2, "{text}");
}
