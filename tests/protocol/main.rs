//! The device protocol, as transports call it, over a store of its own: gateways and payloads (`docs/protocol.md`,
//! gateways).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod gateways;
mod site;
