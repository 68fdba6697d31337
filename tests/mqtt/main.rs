//! The device API over MQTT, by the real binary and byte for byte (`docs/protocol.md`, MQTT).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

#[path = "../clients/certificates.rs"]
mod certificates;
mod client;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../deed/mod.rs"]
mod deed;

mod connecting;
mod hostile;
mod messages;
mod mosquitto;
mod sessions;
mod websocket;
