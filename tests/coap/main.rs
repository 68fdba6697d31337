//! The device API over CoAP, by the real binary and byte for byte (`docs/protocol.md`, CoAP).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

#[cfg(feature = "dtls")]
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../clients/certificates.rs"]
mod certificates;
mod client;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../deed/mod.rs"]
mod deed;

mod blocks;
mod datagrams;
#[cfg(feature = "dtls")]
mod dtls;
mod libcoap;
mod observing;
mod requests;
