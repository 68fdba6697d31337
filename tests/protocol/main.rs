//! The device protocol, as transports call it, over a store of its own: gateways, payloads, devices that add themselves,
//! and messages of MQTT and CoAP (`docs/protocol.md`, device API).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod coap_messages;
mod gateways;
mod mqtt_connection;
mod provisioning;
mod site;
