//! `transport`: what devices may speak.

use serde_yaml_ng::Value;

use crate::config::{
    kind::{Boolean, Kind, Whole, text_of},
    setting::section,
};

section! {
    /// Device transports
    pub(crate) struct TransportSettings {
        /// Whether the device API is served over HTTP, under `/api/v1`.
        http_enabled: bool = Boolean => {
            key: "transport.http.enabled",
            variable: "HTTP_ENABLED",
            default: "true",
        }
        /// Most bytes of a body of the device API: the number that stands for `/api/v1/*/rpc/**`, and the one that stands
        /// for the rest, `/api/v1/**`; a number alone stands for both. `server.http.max_payload_size` is the limit in any
        /// case, and 65536 that of a claim.
        http_body_limits: BodyLimits = DeviceBodyLimits => {
            key: "transport.http.max_payload_size",
            variable: "HTTP_TRANSPORT_MAX_PAYLOAD_SIZE_LIMIT_CONFIGURATION",
            default: "/api/v1/*/rpc/**=65536;/api/v1/**=52428800",
        }
        /// How long a request of a device may wait for something to happen.
        http_longest_wait_ms: u64 = Whole::milliseconds() => {
            key: "transport.http.request_timeout",
            variable: "HTTP_REQUEST_TIMEOUT",
            default: "60000",
        }
        /// Most bytes that a device may keep as attributes of its own (`CLIENT_SCOPE`), in keys and values together.
        most_attribute_bytes: u64 = Whole::between(1, 1_073_741_824) => {
            key: "transport.attributes.max_device_bytes",
            variable: "DEED_MAX_DEVICE_ATTRIBUTE_BYTES",
            default: "262144",
        }
        /// Whether an attribute's text that looks like a number is stored as the number.
        numeric_text_is_number: bool = Boolean => {
            key: "transport.json.type_cast_enabled",
            variable: "JSON_TYPE_CAST_ENABLED",
            default: "true",
        }
    }
}

/// Most bytes of bodies of the device API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyLimits {
    /// Of what a device asks or answers.
    pub(crate) rpc: usize,
    /// Of everything else.
    pub(crate) others: usize,
}

/// `pattern=bytes;pattern=bytes`, of which two patterns count.
struct DeviceBodyLimits;

const RPC: &str = "/api/v1/*/rpc/**";
const OTHERS: &str = "/api/v1/**";

impl Kind for DeviceBodyLimits {
    type Value = BodyLimits;

    fn name(&self) -> String {
        format!("`{RPC}=<bytes>;{OTHERS}=<bytes>`")
    }

    fn parse(&self, value: &Value) -> Result<BodyLimits, String> {
        let wrong = || format!("must be {}, each limit at least 1", self.name());
        let text = text_of(value).ok_or_else(wrong)?;
        let bytes = |text: &str| text.trim().parse().ok().filter(|bytes| *bytes > 0).ok_or_else(wrong);
        if !text.contains('=') {
            return bytes(&text).map(|both| BodyLimits { rpc: both, others: both });
        }
        let (mut rpc, mut others) = (None, None);
        for pair in text.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (pattern, number) = pair.split_once('=').ok_or_else(wrong)?;
            let number = bytes(number)?;
            match pattern.trim() {
                RPC => rpc = Some(number),
                OTHERS => others = Some(number),
                _ => {}
            }
        }
        let others = others.ok_or_else(|| format!("must have a limit for {OTHERS}"))?;
        Ok(BodyLimits { rpc: rpc.unwrap_or(others), others })
    }

    fn show(&self, limits: &BodyLimits) -> String {
        format!("{RPC}={};{OTHERS}={}", limits.rpc, limits.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_patterns_count() {
        let limits = |text: &str| DeviceBodyLimits.parse(&text.into());
        let both = |rpc, others| Ok(BodyLimits { rpc, others });
        assert_eq!(limits("/api/v1/*/rpc/**=65536;/api/v1/**=52428800"), both(65_536, 52_428_800));
        assert_eq!(limits(" /api/v1/** = 5 ; /other=7;"), both(5, 5));
        assert_eq!(limits("9"), both(9, 9));
        for text in ["", "0", "/api/v1/**", "/api/v1/**=0", "/api/v1/*/rpc/**=5", "x;/api/v1/**=5", "/api/v1/**=x"] {
            assert!(limits(text).is_err(), "{text}");
        }
        let shown = DeviceBodyLimits.show(&BodyLimits { rpc: 3, others: 4 });
        assert_eq!(limits(&shown), both(3, 4));
    }
}
