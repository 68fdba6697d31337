//! What must hold of every parser that reads the network or a file, whatever it is given.
//!
//! There is one function per parser. Each takes any bytes, panics if a rule is broken, and returns whether the parser
//! accepted them. The fuzz targets beside this crate call them with made-up input; `tests/corpus.rs` calls them with
//! the seeds under `fuzz/corpus`, as ordinary tests.
//!
//! | function | what it reads |
//! |---|---|
//! | [`attributes`] | attributes, of people and of devices |
//! | [`claim_payload`] | what a device sends to register a claim key |
//! | [`claiming_data`] | what an administrator writes into the claiming attributes |
//! | [`coap_datagram`] | datagrams of CoAP peers, one after the other |
//! | [`credentials`] | what a device is to authenticate with |
//! | `dtls_datagram`, with the feature `dtls` | datagrams to the port of CoAP over DTLS, of anybody and of real clients |
//! | [`device_message`] | telemetry and requests of a device |
//! | [`gateway_message`] | claims and connections of the devices behind a gateway |
//! | [`generated_key`] | a made key as a person types it |
//! | [`fn@import`] | a file of devices |
//! | [`labels_request`] | which labels are wanted, and how they are to look |
//! | [`mqtt_stream`] | everything that an MQTT client sends on one connection |
//! | [`protobuf_claim`] | what a device sends to register a claim key, in Protobuf |
//! | [`provision_request`] | what a device sends to add itself |
//! | [`fn@request`] | a whole request to the HTTP port, of a person or of a device |
//! | [`fn@token`] | a JSON Web Token |
//! | [`event`], [`metadata`], [`key_digest`] | what stands in the log |
//! | [`fn@export`] | a file that `deed export` wrote, and what is made of its events |

#![forbid(unsafe_code)]

mod coap;
#[cfg(feature = "dtls")]
mod dtls;
mod export;
mod import;
mod keys;
mod messages;
mod mqtt;
mod payloads;
mod protobuf;
mod provisioning;
mod request;
mod stored;
mod token;

pub use coap::coap_datagram;
#[cfg(feature = "dtls")]
pub use dtls::dtls_datagram;
pub use export::export;
pub use import::import;
pub use keys::{generated_key, key_digest};
pub use messages::{attributes, credentials, device_message};
pub use mqtt::mqtt_stream;
pub use payloads::{claim_payload, claiming_data};
pub use protobuf::{gateway_message, protobuf_claim};
pub use provisioning::provision_request;
pub use request::{labels_request, request};
pub use stored::{event, metadata};
pub use token::token;

/// A parser under its rules: whether it accepts the input. Panics if a rule is broken.
pub type Entry = fn(&[u8]) -> bool;

/// Every entry under the name of its fuzz target and of its folder of seeds.
pub const ENTRIES: &[(&str, Entry)] = &[
    ("attributes", attributes),
    ("claim_payload", claim_payload),
    ("claiming_data", claiming_data),
    ("coap_datagram", coap_datagram),
    ("credentials", credentials),
    ("device_message", device_message),
    #[cfg(feature = "dtls")]
    ("dtls_datagram", dtls_datagram),
    ("event", event),
    ("export", export),
    ("gateway_message", gateway_message),
    ("generated_key", generated_key),
    ("import", import),
    ("key_digest", key_digest),
    ("labels_request", labels_request),
    ("metadata", metadata),
    ("mqtt_stream", mqtt_stream),
    ("protobuf_claim", protobuf_claim),
    ("provision_request", provision_request),
    ("request", request),
    ("token", token),
];
