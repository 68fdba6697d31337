//! `coap`, `transport.coap`: where and how CoAP is served, also over DTLS.

use std::{net::IpAddr, path::PathBuf};

use crate::config::{
    kind::{Address, Boolean, File, Whole},
    setting::section,
    sources::Fault,
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
        /// Whether CoAP is also served over DTLS 1.2, on a port of its own. A build without the feature `dtls` cannot.
        dtls_enabled: bool = Boolean => {
            key: "coap.dtls.enabled",
            variable: "COAP_DTLS_ENABLED",
            default: "false",
        }
        /// The address on which CoAP is served over DTLS; as for CoAP, name one. With `--demo` the default is `127.0.0.1`.
        dtls_address: IpAddr = Address => {
            key: "coap.dtls.bind_address",
            variable: "COAP_DTLS_BIND_ADDRESS",
            default: "0.0.0.0",
        }
        /// The UDP port on which CoAP is served over DTLS; 0 takes any that is free.
        dtls_port: u16 = Whole::port() => {
            key: "coap.dtls.bind_port",
            variable: "COAP_DTLS_BIND_PORT",
            default: "5684",
        }
        /// The file of the service's certificate and of those that lead to its root, in PEM. It may be replaced while the
        /// service runs: what is in it counts for new sessions after a minute. Small devices know ECDSA with P-256 alone.
        dtls_certificate: PathBuf = File => {
            key: "coap.dtls.credentials.pem.cert_file",
            variable: "COAP_DTLS_PEM_CERT",
            default: "coapserver.pem",
        }
        /// The file of the certificate's private key, in PEM, without a password. It may be the same as the certificate's.
        dtls_key: PathBuf = File => {
            key: "coap.dtls.credentials.pem.key_file",
            variable: "COAP_DTLS_PEM_KEY",
            default: "coapserver_key.pem",
        }
        /// Whether a device's certificate lets it in before and after the time for which it was issued.
        takes_expired_certificates: bool = Boolean => {
            key: "coap.dtls.x509.skip_validity_check_for_client_cert",
            variable: "TB_COAP_X509_DTLS_SKIP_VALIDITY_CHECK_FOR_CLIENT_CERT",
            default: "false",
        }
        /// How many milliseconds a session over DTLS may be silent.
        dtls_silence_ms: u64 = Whole::between(1, 604_800_000) => {
            key: "coap.dtls.x509.dtls_session_inactivity_timeout",
            variable: "TB_COAP_X509_DTLS_SESSION_INACTIVITY_TIMEOUT",
            default: "86400000",
        }
    }
}

impl CoapSettings {
    /// Whether CoAP is served.
    pub(crate) const fn is_served(&self) -> bool {
        self.enabled && self.server_enabled
    }

    /// Whether it is served over DTLS.
    pub(crate) const fn is_served_over_dtls(&self) -> bool {
        self.is_served() && self.dtls_enabled
    }

    /// What is asked for and was not built.
    pub(crate) fn faults(&self) -> Option<Fault> {
        let why =
            "must be false in this build, which has no DTLS: build it with `cargo build --release --features dtls`";
        let is_missing = self.is_served_over_dtls() && !cfg!(feature = "dtls");
        is_missing.then(|| Fault { key: "coap.dtls.enabled".to_owned(), why: why.to_owned(), origin: None })
    }
}
