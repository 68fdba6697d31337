//! Clients that flood, trickle or never read: they cost little, and the others are served.

use std::{fs, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::{
    client::{BOTH, Client, Version, connect, packet, publish},
    deed::{Server, world::World},
};

const TOPIC: &str = "v1/devices/me/claim";
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
