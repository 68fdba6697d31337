//! A client that sends and reads bytes as the tests say, and knows no more of the protocol than where a packet ends.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::deed::Server;

/// Longer than any answer takes.
const LONG: Duration = Duration::from_secs(20);
/// Long enough to see that nothing comes.
const SHORT: Duration = Duration::from_millis(300);

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V3,
    V5,
}

pub(crate) const BOTH: [Version; 2] = [Version::V3, Version::V5];

/// No bytes.
pub(crate) const NOTHING: [u8; 0] = [];

pub(crate) struct Client {
    stream: TcpStream,
    version: Version,
}

impl Client {
    /// Connected, and silent.
    pub(crate) async fn silent(server: &Server, version: Version) -> Self {
        Self::silent_at(&server.mqtt, version).await
    }

    /// The same with what listens there.
    pub(crate) async fn silent_at(address: &str, version: Version) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), version }
    }

    /// Let in by that token.
    pub(crate) async fn connect(server: &Server, version: Version, token: &str) -> Self {
        Self::connect_at(&server.mqtt, version, token).await
    }

    /// The same with what listens there.
    pub(crate) async fn connect_at(address: &str, version: Version, token: &str) -> Self {
        let mut client = Self::silent_at(address, version).await;
        client.send(&connect(version, "c", Some(token), None, 60)).await;
        let connack = client.read().await;
        assert_eq!((connack[0], connack[3]), (0x20, 0), "{connack:02x?}");
        client
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next packet.
    pub(crate) async fn read(&mut self) -> Vec<u8> {
        timeout(LONG, self.next()).await.expect("a packet comes").expect("the connection is open")
    }

    /// What comes until the connection is closed.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end, too.
        let _ = timeout(LONG, self.stream.read_to_end(&mut rest)).await.expect("the connection ends");
        rest
    }

    pub(crate) async fn hears_nothing(&mut self) {
        let heard = timeout(SHORT, self.next()).await;
        assert!(heard.is_err(), "{heard:02x?}");
    }

    pub(crate) async fn publish(&mut self, topic: &str, payload: impl AsRef<[u8]>, qos: u8, id: u16) {
        let packet = publish(self.version, topic, payload.as_ref(), qos, id);
        self.send(&packet).await;
    }

    /// Publishes with QoS 1 and gives the reason code of the PUBACK, with what follows it.
    pub(crate) async fn ask(&mut self, topic: &str, payload: impl AsRef<[u8]>) -> (u8, String) {
        self.publish(topic, payload, 1, 7).await;
        let puback = self.read().await;
        assert_eq!((puback[0], &puback[2..4]), (0x40, &[0, 7][..]), "{puback:02x?}");
        let why = puback.get(8..).map(|why| String::from_utf8_lossy(why).into_owned());
        (puback.get(4).copied().unwrap_or_default(), why.unwrap_or_default())
    }

    pub(crate) async fn subscribe(&mut self, filters: &[&str]) -> Vec<u8> {
        let mut body = vec![0, 9];
        body.extend(self.version.properties());
        for filter in filters {
            body.extend(text(filter));
            body.push(1);
        }
        self.send(&packet(0x82, &body)).await;
        let suback = self.read().await;
        assert_eq!((suback[0], &suback[2..4]), (0x90, &[0, 9][..]), "{suback:02x?}");
        suback[4 + self.version.properties().len()..].to_vec()
    }

    /// A message of the service: its topic and its payload.
    pub(crate) async fn message(&mut self) -> (String, String) {
        let packet = self.read().await;
        assert_eq!(packet[0], 0x32, "a PUBLISH with QoS 1: {packet:02x?}");
        let body = &packet[1 + packet[1..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1..];
        let length = usize::from(body[0]) << 8 | usize::from(body[1]);
        let id = &body[2 + length..4 + length];
        self.send(&[0x40, 2, id[0], id[1]]).await;
        let payload = &body[4 + length + self.version.properties().len()..];
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(&body[2..2 + length]), text(payload))
    }

    async fn next(&mut self) -> Option<Vec<u8>> {
        let mut packet = vec![self.stream.read_u8().await.ok()?];
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            packet.push(byte);
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let start = packet.len();
        packet.resize(start + length, 0);
        self.stream.read_exact(&mut packet[start..]).await.ok()?;
        Some(packet)
    }
}

impl Version {
    /// No properties, where there could be some.
    fn properties(self) -> &'static [u8] {
        match self {
            Self::V3 => &[],
            Self::V5 => &[0],
        }
    }
}

pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let (mut packet, mut length) = (vec![first], body.len());
    loop {
        let more = if length > 127 { 0x80 } else { 0 };
        packet.push(u8::try_from(length & 0x7f).unwrap() | more);
        length >>= 7;
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

pub(crate) fn connect(
    version: Version,
    client_id: &str,
    user: Option<&str>,
    password: Option<&str>,
    keep_alive: u16,
) -> Vec<u8> {
    let flags = 2 | if user.is_some() { 0x80 } else { 0 } | if password.is_some() { 0x40 } else { 0 };
    let mut body = text("MQTT");
    body.extend([if version == Version::V3 { 4 } else { 5 }, flags]);
    body.extend(keep_alive.to_be_bytes());
    body.extend(version.properties());
    body.extend(text(client_id));
    user.into_iter().chain(password).for_each(|part| body.extend(text(part)));
    packet(0x10, &body)
}

pub(crate) fn publish(version: Version, topic: &str, payload: &[u8], qos: u8, id: u16) -> Vec<u8> {
    let mut body = text(topic);
    if qos > 0 {
        body.extend(id.to_be_bytes());
    }
    body.extend(version.properties());
    body.extend(payload);
    packet(0x30 | qos << 1, &body)
}
