//! `transport.mqtt`: where and how MQTT is served.

use std::net::IpAddr;

use crate::config::{
    kind::{Address, Boolean, Whole},
    setting::section,
};

section! {
    /// MQTT
    pub(crate) struct MqttSettings {
        /// Whether devices may speak MQTT.
        enabled: bool = Boolean => {
            key: "transport.mqtt.enabled",
            variable: "MQTT_ENABLED",
            default: "true",
        }
        /// The address on which MQTT is served. With `--demo` the default is `127.0.0.1`.
        address: IpAddr = Address => {
            key: "transport.mqtt.bind_address",
            variable: "MQTT_BIND_ADDRESS",
            default: "0.0.0.0",
        }
        /// The port on which MQTT is served, without TLS; 0 takes any that is free.
        port: u16 = Whole::port() => {
            key: "transport.mqtt.bind_port",
            variable: "MQTT_BIND_PORT",
            default: "1883",
        }
        /// Most bytes of a packet after its fixed header.
        max_payload_bytes: usize = Whole::between(1_024, 1_048_576) => {
            key: "transport.mqtt.netty.max_payload_size",
            variable: "NETTY_MAX_PAYLOAD_SIZE",
            default: "65536",
        }
        /// How many milliseconds a connection may be silent, whatever the client says of itself.
        idle_limit_ms: u64 = Whole::between(1, 86_400_000) => {
            key: "transport.sessions.inactivity_timeout",
            variable: "TB_TRANSPORT_SESSIONS_INACTIVITY_TIMEOUT",
            default: "600000",
        }
        /// Whether a refused registration ends the connection in MQTT 3.1.1, which has no words for it.
        closes_on_refusal: bool = Boolean => {
            key: "transport.mqtt.close_on_refusal",
            variable: "MQTT_CLOSE_ON_REFUSAL",
            default: "false",
        }
    }
}
