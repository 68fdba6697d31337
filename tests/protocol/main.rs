//! The device protocol, as transports call it, over a store of its own: gateways, payloads, devices that add themselves
//! (`docs/protocol.md`, device API).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod gateways;
mod provisioning;
mod site;
