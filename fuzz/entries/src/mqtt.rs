//! Everything that an MQTT client sends on one connection, against the real store.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};

use crate::request::Service;

/// What the pipe to the service holds: less than what is sent at once, so that either side waits for the other.
const PIPE: usize = 4_096;

/// The bytes of a client that then goes. Connections follow one another on the same store, as they would on a server.
///
/// Whatever comes, the service says whole packets, of those that a server may send; a CONNACK first, if it says anything,
/// and only one; and it ends when the client has gone. Accepted is a client that was let in.
pub fn mqtt_stream(input: &[u8]) -> bool {
    let service = Service::shared();
    let said = service.runtime.block_on(async {
        let (ours, theirs) = duplex(PIPE);
        let (mut from, mut to) = split(ours);
        let arrival = service
            .mqtt
            .arrive([127, 0, 0, 1].into())
            .unwrap_or_else(|| panic!("one connection at a time is no more than may be"));
        let speaking = Arc::clone(&service.mqtt).speak(arrival, theirs, None);
        let sending = async {
            // It may be cut off.
            let _ = to.write_all(input).await;
            let _ = to.shutdown().await;
        };
        let mut said = Vec::new();
        let hearing = from.read_to_end(&mut said);
        let ((), (), heard) = tokio::join!(speaking, sending, hearing);
        heard.unwrap_or_else(|error| panic!("{error}"));
        said
    });
    let kinds = kinds(&said);
    assert!(kinds.iter().skip(1).all(|kind| *kind != CONNACK), "a second CONNACK: {said:02x?}");
    match kinds.first() {
        None => false,
        Some(&CONNACK) => said[3] == 0,
        Some(_) => panic!("no CONNACK comes first: {said:02x?}"),
    }
}

const CONNACK: u8 = 0x20;
/// PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP, DISCONNECT.
const OTHERS: [u8; 9] = [0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xb0, 0xd0, 0xe0];

/// The kinds of the packets; panics if they are not whole.
fn kinds(mut said: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let Some((first, rest)) = said.split_first() {
        let bytes = rest.iter().take(4).position(|byte| byte & 0x80 == 0).map_or(0, |last| last + 1);
        let length = rest[..bytes].iter().rev().fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
        let kind = first & 0xf0;
        let is_whole = bytes > 0 && rest.len() >= bytes + length;
        assert!(is_whole && (kind == CONNACK || OTHERS.contains(&kind)), "no packet of a server: {said:02x?}");
        kinds.push(kind);
        said = &rest[bytes + length..];
    }
    kinds
}
