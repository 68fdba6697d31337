//! How devices speak to the service.
//!
//! | module | what it holds |
//! |---|---|
//! | [`device_protocol`] | the one translation between a device and the use cases: payloads in JSON and Protobuf, outcomes, the claiming state |
//! | [`http`] | its framing over HTTP: the routes under `/api/v1`, and which status tells which outcome |
//! | [`mqtt`] | its framing over MQTT: sessions, topics, acknowledgements |
//! | [`coap`] | its framing over CoAP: datagrams, blocks, who observes |
//! | [`bridge`] | the service as a client of a broker that devices already send to |
//! | [`tls`] | connections over TLS, and the certificates of clients |
//!
//! A transport authenticates, frames and answers; it knows no rule of claiming. To add one, give it a module beside
//! [`http`], hand each message to [`device_protocol::DeviceProtocol`], and tell refusals in the protocol's own way: an
//! acknowledgement means that what it acknowledges is durable.

#![forbid(unsafe_code)]

pub mod bridge;
pub mod coap;
pub mod device_protocol;
pub mod http;
pub mod mqtt;
mod source;
pub mod tls;
