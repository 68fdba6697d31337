//! `transport.mqtt`: where and how MQTT is served.

use std::{net::IpAddr, path::PathBuf};

use crate::config::{
    kind::{Address, Boolean, File, Optional, Whole},
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
        /// Most connections at once, those over TLS and in WebSockets included.
        max_connections: Option<usize> = Optional(Whole::between(16, 1_073_741_824)) => {
            key: "transport.mqtt.max_connections",
            variable: "DEED_MQTT_MAX_CONNECTIONS",
            default: "" = "three quarters of the files that the system lets the process open, which is the most in any case",
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
        /// Whether MQTT is also served over TLS 1.2 and 1.3, on a port of its own.
        tls_enabled: bool = Boolean => {
            key: "transport.mqtt.ssl.enabled",
            variable: "MQTT_SSL_ENABLED",
            default: "false",
        }
        /// The address on which MQTT is served over TLS. With `--demo` the default is `127.0.0.1`.
        tls_address: IpAddr = Address => {
            key: "transport.mqtt.ssl.bind_address",
            variable: "MQTT_SSL_BIND_ADDRESS",
            default: "0.0.0.0",
        }
        /// The port on which MQTT is served over TLS; 0 takes any that is free.
        tls_port: u16 = Whole::port() => {
            key: "transport.mqtt.ssl.bind_port",
            variable: "MQTT_SSL_BIND_PORT",
            default: "8883",
        }
        /// The file of the service's certificate and of those that lead to its root, in PEM. It may be replaced while the
        /// service runs: what is in it counts for new connections after a minute.
        tls_certificate: PathBuf = File => {
            key: "transport.mqtt.ssl.credentials.pem.cert_file",
            variable: "MQTT_SSL_PEM_CERT",
            default: "mqttserver.pem",
        }
        /// The file of the certificate's private key, in PEM, without a password. It may be the same as the certificate's.
        tls_key: PathBuf = File => {
            key: "transport.mqtt.ssl.credentials.pem.key_file",
            variable: "MQTT_SSL_PEM_KEY",
            default: "mqttserver_key.pem",
        }
        /// Whether a client's certificate lets its device in before and after the time for which it was issued.
        takes_expired_certificates: bool = Boolean => {
            key: "transport.mqtt.ssl.skip_validity_check_for_client_cert",
            variable: "MQTT_SSL_SKIP_VALIDITY_CHECK_FOR_CLIENT_CERT",
            default: "false",
        }
    }
}
