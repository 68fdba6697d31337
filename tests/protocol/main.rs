//! The device protocol, as transports call it, over a store of its own: gateways, payloads, devices that add themselves,
//! and one connection of MQTT (`docs/protocol.md`, device API).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod gateways;
mod mqtt_connection;
mod provisioning;
mod site;
