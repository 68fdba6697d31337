//! Clients that flood, trickle or never read: they cost little, and the others are served.

use std::{fs, process::Command, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::{
    client::{BOTH, Client, NOTHING, Version, connect, packet, publish},
    deed::{
        Server, deed,
        world::{World, token_of},
    },
};

const TOPIC: &str = "v1/devices/me/claim";
const ATTRIBUTES: &str = "v1/devices/me/attributes";
/// Enough to fill every buffer on the way many times over.
const FLOOD: usize = 16 << 20;
/// What all hostile clients of a test together may cost.
const BOUND: u64 = 48 << 20;

/// Resident memory, in bytes.
fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap() * 1_024
}

/// Lets in, then sends these bytes again and again and reads nothing, until nobody takes them any more.
async fn flood(server: &Server, version: Version, bytes: &[u8]) -> (TcpStream, usize) {
    let mut stream = TcpStream::connect(&server.mqtt).await.unwrap();
    stream.write_all(&connect(version, "flood", Some("A2_DEMO_TOKEN"), None, 0)).await.unwrap();
    let mut sent = 0;
    while sent < FLOOD {
        match timeout(Duration::from_secs(1), stream.write(bytes)).await {
            Ok(Ok(some)) => sent += some,
            // A packet that was sent in part is continued by another: who floods is not careful.
            Err(_) | Ok(Err(_)) => break,
        }
    }
    (stream, sent)
}

async fn is_served(world: &World) {
    let mut other = Client::connect(&world.server, Version::V5, "A1_DEMO_TOKEN").await;
    let began = Instant::now();
    assert_eq!(other.ask(TOPIC, r#"{"secretKey":"k"}"#).await.0, 0);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_never_reads_its_acknowledgements_waits_and_nobody_else() {
    let world = World::start().await;
    is_served(&world).await;
    let before = resident(&world.server);
    let mut open = Vec::new();
    for version in BOTH {
        let claim = publish(version, TOPIC, br#"{"secretKey":"k"}"#, 1, 7);
        let ping = [0xc0, 0];
        let subscribe = packet(0x82, &{
            let mut body = vec![0, 9];
            body.extend(if version == Version::V5 { &[0][..] } else { &[] });
            body.extend(b"\x00\x18v1/devices/me/attributes\x01");
            body
        });
        let large = publish(version, TOPIC, &[b'x'; 65_000], 1, 7);
        for message in [&claim[..], &ping, &subscribe, &large] {
            let (stream, _) =
                flood(&world.server, version, &message.repeat(65_536_usize.div_ceil(message.len()))).await;
            open.push(stream);
            is_served(&world).await;
        }
    }
    let grown = resident(&world.server).saturating_sub(before);
    assert!(grown < BOUND, "{} flooding clients cost {grown} bytes", open.len());
}

#[tokio::test]
async fn a_flood_of_introductions_is_answered_and_kept_nowhere() {
    let world = World::start().await;
    is_served(&world).await;
    let before = resident(&world.server);
    for round in 0..20 {
        let mut open = Vec::new();
        for number in 0..100 {
            let mut stream = TcpStream::connect(&world.server.mqtt).await.unwrap();
            let user = format!("nobody-{round}-{number}");
            stream.write_all(&connect(Version::V5, "c", Some(&user), None, 60)).await.unwrap();
            open.push(stream);
        }
        for mut stream in open {
            let mut told = Vec::new();
            timeout(Duration::from_secs(20), stream.read_to_end(&mut told)).await.unwrap().unwrap();
            assert_eq!(told, [0x20, 3, 0, 0x86, 0]);
        }
    }
    is_served(&world).await;
    let grown = resident(&world.server).saturating_sub(before);
    assert!(grown < BOUND, "{grown} bytes are left of two thousand introductions");
}

#[tokio::test]
async fn half_open_connections_cost_little_and_end() {
    let world = World::start().await;
    is_served(&world).await;
    let before = resident(&world.server);
    let mut open = Vec::new();
    for _ in 0..500 {
        let mut stream = TcpStream::connect(&world.server.mqtt).await.unwrap();
        stream.write_all(&[0x10, 0xff, 0xff, 0x03, 0]).await.unwrap();
        open.push(stream);
    }
    is_served(&world).await;
    let grown = resident(&world.server).saturating_sub(before);
    assert!(grown < BOUND, "500 half-open connections cost {grown} bytes");
    // Who sends a byte now and then has no more time than who sends none.
    let began = Instant::now();
    let mut trickling = open.pop().unwrap();
    while trickling.write_all(&[0]).await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(20), "it is still open");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for mut stream in open {
        let mut told = Vec::new();
        let ended = timeout(Duration::from_secs(20), stream.read_to_end(&mut told)).await.unwrap();
        assert!(ended.is_err() || told.is_empty(), "{told:02x?}");
    }
}

#[tokio::test]
async fn a_packet_as_large_as_may_be_is_read_and_a_larger_one_ends_the_connection() {
    let world = World::start().await;
    let mut client = Client::connect(&world.server, Version::V5, "A1_DEMO_TOKEN").await;
    // A topic of two bytes and its length, an id, no properties.
    let most = 65_536 - (2 + TOPIC.len() + 2 + 1);
    let text = format!("{{\"secretKey\":\"k\"{}}}", " ".repeat(most - 17));
    assert_eq!(text.len(), most);
    assert_eq!(client.ask(TOPIC, &text).await.0, 0);
    client.publish(TOPIC, format!("{text} "), 1, 8).await;
    let told = client.rest().await;
    assert_eq!(told, [0xe0, 2, 0x81, 0]);
    is_served(&world).await;
}

#[tokio::test]
async fn a_device_keeps_no_more_attributes_than_it_may() {
    let world = World::start_with(&[("DEED_MAX_DEVICE_ATTRIBUTE_BYTES", "1000")]).await;
    let attributes = |key: &str, length: usize| json!({ key: "x".repeat(length) }).to_string();
    for (version, refused) in [(Version::V5, 0x97), (Version::V3, 0)] {
        let mut client = Client::connect(&world.server, version, "A1_DEMO_TOKEN").await;
        assert_eq!(client.ask(ATTRIBUTES, attributes("a", 900)).await, (0, String::new()));
        assert_eq!(client.ask(ATTRIBUTES, attributes("a", 901)).await, (0, String::new()), "it is written anew");
        let (code, why) = client.ask(ATTRIBUTES, attributes("b", 200)).await;
        assert_eq!(code, refused);
        assert!(version == Version::V3 || why.ends_with("more than 1000 bytes"), "{why}");
        client.publish("v1/devices/me/attributes/request/1", r#"{"clientKeys":"b"}"#, 0, 0).await;
        assert_eq!(client.message().await.1, "{}", "nothing of it is stored");
    }
    let path = "/api/v1/A1_DEMO_TOKEN/attributes";
    let (status, why) = world.call(Method::POST, path, None, Some(json!({"b": "x".repeat(200)}))).await;
    assert_eq!((status, &why["errorCode"]), (StatusCode::FORBIDDEN, &json!(20)), "{why}");
    assert_eq!(world.call(Method::POST, path, None, Some(json!({"a": 1}))).await.0, StatusCode::OK);
    assert_eq!(world.call(Method::POST, path, None, Some(json!({"b": "x".repeat(200)}))).await.0, StatusCode::OK);
}

#[tokio::test]
async fn who_asks_for_all_its_attributes_again_and_again_is_held_once() {
    let world = World::start_with(&[("DEED_MAX_DEVICE_ATTRIBUTE_BYTES", "8388608")]).await;
    let mut writer = Client::connect(&world.server, Version::V5, "A2_DEMO_TOKEN").await;
    for n in 0..64 {
        let large = json!({ format!("key {n}"): "x".repeat(60_000) });
        assert_eq!(writer.ask(ATTRIBUTES, large.to_string()).await.0, 0);
    }
    is_served(&world).await;
    let before = resident(&world.server);
    let mut asking = TcpStream::connect(&world.server.mqtt).await.unwrap();
    asking.write_all(&connect(Version::V5, "c", Some("A2_DEMO_TOKEN"), None, 0)).await.unwrap();
    let request = publish(Version::V5, "v1/devices/me/attributes/request/1", b"{}", 0, 0);
    asking.write_all(&request.repeat(128)).await.unwrap();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        let grown = resident(&world.server).saturating_sub(before);
        assert!(grown < 2 * BOUND, "its answers cost {grown} bytes");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    is_served(&world).await;
}

#[tokio::test]
async fn a_service_that_stops_does_not_wait_for_who_reads_nothing() {
    let world = World::start().await;
    let ping = [0xc0, 0];
    let (_open, _) = flood(&world.server, Version::V5, &ping.repeat(32_768)).await;
    let began = Instant::now();
    let World { server, .. } = world;
    let (status, _) = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
    assert!(status.success());
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}

#[tokio::test]
async fn where_all_places_are_taken_who_is_silent_makes_room_for_others() {
    let world = World::start_with(&[("DEED_MQTT_MAX_CONNECTIONS", "16")]).await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(Client::silent(&world.server, Version::V5).await);
    }
    let began = Instant::now();
    is_served(&world).await;
    for mut pushed_out in silent.drain(..24) {
        assert_eq!(pushed_out.rest().await, NOTHING);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "they were not only cut off after ten seconds");
}

/// Whoever adds itself needs no credentials, so that its places are worth no more than those of who says nothing.
#[tokio::test]
async fn who_only_says_that_it_adds_itself_makes_room_for_devices() {
    let world = World::start_with(&[("DEED_MQTT_MAX_CONNECTIONS", "16")]).await;
    let mut newcomers = Vec::new();
    for n in 0..16 {
        let mut newcomer = Client::silent(&world.server, Version::V5).await;
        newcomer.send(&connect(Version::V5, &format!("n{n}"), Some("provision"), None, 60)).await;
        assert_eq!(newcomer.read().await[3], 0);
        newcomers.push(newcomer);
    }
    is_served(&world).await;
    assert_eq!(newcomers[0].rest().await, NOTHING);
}

#[tokio::test]
async fn who_is_not_known_sends_no_large_packets() {
    let world = World::start().await;
    for version in [Version::V5, Version::V3] {
        let mut client = Client::silent(&world.server, version).await;
        // The fixed header of a CONNECT of 16,384 bytes is enough.
        client.send(&[0x10, 0x80, 0x80, 0x01]).await;
        client.send(&[0; 16]).await;
        client.rest().await;
    }
    is_served(&world).await;
}

/// After an outage all devices come at the same moment, and each says its claim once.
#[tokio::test]
async fn a_fleet_comes_back_at_once() {
    const FLEET: usize = 2_000;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    rustix::process::setrlimit(
        rustix::process::Resource::Nofile,
        rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum },
    )
    .unwrap();
    let world = World::start_with(&[("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true")]).await;
    let names: Vec<String> = (0..FLEET).map(|n| format!("Fleet {n}")).collect();
    for some in names.chunks(64) {
        futures_util::future::join_all(some.iter().map(|name| world.device(name))).await;
    }
    let claims = names.iter().map(async |name| {
        let mut client = Client::connect(&world.server, Version::V5, &token_of(name)).await;
        client
            .publish("v1/devices/me/claim", json!({"secretKey": crate::deed::world::secret("fleet")}).to_string(), 1, 1)
            .await;
        let puback = client.read().await;
        puback == [0x40, 2, 0, 1]
    });
    let acknowledged = timeout(Duration::from_secs(60), futures_util::future::join_all(claims)).await.unwrap();
    assert_eq!(acknowledged.iter().filter(|acknowledged| **acknowledged).count(), FLEET);
}

#[tokio::test]
async fn a_connection_more_than_may_be_is_closed_at_once() {
    let world = World::start_with(&[("DEED_MQTT_MAX_CONNECTIONS", "16")]).await;
    let mut open = Vec::new();
    for n in 0..16 {
        let name = format!("Many {n}");
        world.device(&name).await;
        open.push(Client::connect(&world.server, Version::V5, &token_of(&name)).await);
    }
    assert_eq!(Client::silent(&world.server, Version::V5).await.rest().await, NOTHING);
    let metrics = world.client.get(format!("{}/metrics", world.server.url)).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("deed_refused_connections_total{transport=\"mqtt\"} 1\n"), "{metrics}");
    drop(open.pop());
    let began = Instant::now();
    loop {
        let mut again = TcpStream::connect(&world.server.mqtt).await.unwrap();
        let connect = connect(Version::V5, "c", Some("A1_DEMO_TOKEN"), None, 60);
        // It may be closed before that is sent.
        let _ = again.write_all(&connect).await;
        if matches!(again.read(&mut [0]).await, Ok(1)) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "there is room again");
    }
}

#[tokio::test]
async fn who_opens_connections_takes_the_files_of_nobody_else() {
    let data = tempfile::TempDir::new().unwrap();
    let mut command = Command::new("sh");
    let binary = deed(data.path());
    command.args(["-c", "ulimit -n 256; exec \"$0\" serve --demo"]).arg(binary.get_program());
    command.env_clear().envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let server = Server::start(&mut command);
    let mut open = Vec::new();
    for _ in 0..400 {
        open.push(TcpStream::connect(&server.mqtt).await.unwrap());
    }
    let live = |url: &str| reqwest::Client::new().get(format!("{url}/health/live")).send();
    let answered = timeout(Duration::from_secs(3), live(&server.url)).await;
    assert_eq!(answered.expect("HTTP is answered").unwrap().status(), StatusCode::OK);
    // And the other way round.
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    for _ in 0..400 {
        open.push(TcpStream::connect(&address).await.unwrap());
    }
    let began = Instant::now();
    Client::connect(&server, Version::V5, "A1_DEMO_TOKEN").await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn each_claim_of_a_gateway_counts() {
    let world = World::start_with(&[
        ("TB_TRANSPORT_RATE_LIMITS_DEVICE", "2:600"),
        ("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true"),
    ])
    .await;
    for (version, token) in [(Version::V5, "GW5"), (Version::V3, "GW3")] {
        let gateway = json!({"name": token, "additionalInfo": {"gateway": true}});
        let path = format!("/api/device?accessToken={token}");
        assert_eq!(world.call(Method::POST, &path, Some(&world.tenant), Some(gateway)).await.0, StatusCode::OK);
        let claims: serde_json::Map<_, _> = (0..3).map(|n| (format!("{token} {n}"), json!({}))).collect();
        let mut client = Client::connect(&world.server, version, token).await;
        client.publish("v1/gateway/claim", serde_json::Value::from(claims).to_string(), 1, 7).await;
        if version == Version::V5 {
            let puback = client.read().await;
            assert_eq!(puback[..4], [0x40, 2, 0, 7]);
        } else {
            assert_eq!(client.read().await, [0x40, 2, 0, 7]);
        }
        // What was begun was finished; it is paid for by what follows.
        client.publish("v1/gateway/claim", json!({(format!("{token} 3")): {}}).to_string(), 1, 8).await;
        if version == Version::V5 {
            let puback = client.read().await;
            assert_eq!(puback[..5], [0x40, puback[1], 0, 8, 0x97]);
        } else {
            assert_eq!(client.rest().await, NOTHING);
        }
        let path = format!("/api/tenant/devices?pageSize=100&page=0&textSearch={token}%20");
        let (_, made) = world.call(Method::GET, &path, Some(&world.tenant), None).await;
        assert_eq!(made["totalElements"], 3, "{made}");
    }
}
