//! What no published client does inside a WebSocket.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    client::{Version, connect, publish},
    deed::world::World,
};

const BINARY: u8 = 2;
const TEXT: u8 = 1;

/// Asks for a WebSocket of that subprotocol, and gives the head of the answer.
async fn ask(world: &World, subprotocol: &str) -> (TcpStream, String) {
    let address = world.server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /mqtt HTTP/1.1\r\nhost: {address}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{subprotocol}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap().to_lowercase())
}

/// A frame of a client: its mask is nothing.
fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | kind];
    match u8::try_from(bytes.len()) {
        Ok(length @ ..126) => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | 127);
            frame.extend((bytes.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(bytes);
    frame
}

async fn open(world: &World) -> TcpStream {
    let (stream, head) = ask(world, "sec-websocket-protocol: mqtt\r\n").await;
    assert!(head.starts_with("http/1.1 101 ") && head.contains("sec-websocket-protocol: mqtt"), "{head}");
    stream
}

async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut rest).await;
    rest
}

#[tokio::test]
async fn only_mqtt_is_spoken_there() {
    let world = World::start().await;
    for subprotocol in ["", "sec-websocket-protocol: chat\r\n"] {
        let head = ask(&world, subprotocol).await.1;
        assert!(head.starts_with("http/1.1 400 "), "{head}");
    }
    let answer = world.client.get(format!("{}/mqtt", world.server.url)).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.unwrap().contains("subprotocol `mqtt`"));
}

/// Where frames end means nothing; a text, or a frame beyond the largest packet, ends the connection.
#[tokio::test]
async fn frames_are_bytes() {
    let world = World::start().await;
    let introduction = connect(Version::V3, "c", Some("A1_DEMO_TOKEN"), None, 60);
    let mut stream = open(&world).await;
    for byte in &introduction {
        stream.write_all(&frame(BINARY, &[*byte])).await.unwrap();
    }
    let mut connack = [0; 6];
    stream.read_exact(&mut connack).await.unwrap();
    assert_eq!(connack, [0x82, 4, 0x20, 2, 0, 0]);
    let ping = [0xc0, 0];
    stream.write_all(&frame(BINARY, &[ping, ping].concat())).await.unwrap();
    let mut pongs = [0; 6];
    stream.read_exact(&mut pongs).await.unwrap();
    assert_eq!(pongs, [0x82, 4, 0xd0, 0, 0xd0, 0]);
    stream.write_all(&frame(TEXT, b"MQTT")).await.unwrap();
    assert!(!rest(stream).await.contains(&0xd0));

    let mut stream = open(&world).await;
    stream.write_all(&frame(BINARY, &introduction)).await.unwrap();
    stream.read_exact(&mut connack).await.unwrap();
    let large = publish(Version::V3, "v1/devices/me/telemetry", &[b' '; 70_000], 1, 1);
    // It may be cut off while it still writes.
    let _ = stream.write_all(&frame(BINARY, &large)).await;
    assert!(!rest(stream).await.contains(&0x40));

    // A frame that says to be endless takes no room.
    let mut stream = open(&world).await;
    stream.write_all(&[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]).await.unwrap();
    rest(stream).await;
    assert!(world.client.get(format!("{}/health/live", world.server.url)).send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn it_ends_when_the_service_stops() {
    let world = World::start().await;
    let stream = open(&world).await;
    let World { server, data: _data, .. } = world;
    let stopped = tokio::task::spawn_blocking(|| server.stop().0);
    rest(stream).await;
    assert!(stopped.await.unwrap().success());
}
