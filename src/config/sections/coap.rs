//! `coap`, `transport.coap`: where and how CoAP is served.

use std::net::IpAddr;

use crate::config::{
    kind::{Address, Boolean, Whole},
    setting::section,
};

section! {
    /// CoAP
    pub(crate) struct CoapSettings {
        /// Whether devices may speak CoAP.
        enabled: bool = Boolean => {
            key: "transport.coap.enabled",
            variable: "COAP_ENABLED",
            default: "true",
        }
        /// Whether the port is opened; without it, nobody can speak CoAP.
        server_enabled: bool = Boolean => {
            key: "coap.server.enabled",
            variable: "COAP_SERVER_ENABLED",
            default: "true",
        }
        /// The address on which CoAP is served. On a machine with several addresses, name the one that devices use, as answers
        /// come from it. With `--demo` the default is `127.0.0.1`.
        address: IpAddr = Address => {
            key: "coap.bind_address",
            variable: "COAP_BIND_ADDRESS",
            default: "0.0.0.0",
        }
        /// The UDP port on which CoAP is served; 0 takes any that is free.
        port: u16 = Whole::port() => {
            key: "coap.bind_port",
            variable: "COAP_BIND_PORT",
            default: "5683",
        }
        /// How many milliseconds a request may take before it is acknowledged without its answer, which then follows in a
        /// message of its own.
        piggyback_timeout_ms: u64 = Whole::between(1, 60_000) => {
            key: "transport.coap.piggyback_timeout",
            variable: "COAP_PIGGYBACK_TIMEOUT",
            default: "500",
        }
    }
}

impl CoapSettings {
    /// Whether CoAP is served.
    pub(crate) const fn is_served(&self) -> bool {
        self.enabled && self.server_enabled
    }
}
