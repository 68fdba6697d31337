//! `transport`: what devices may speak.

use crate::config::{kind::Boolean, setting::section};

section! {
    /// Device transports
    pub(crate) struct TransportSettings {
        /// Whether the device API is served over HTTP, under `/api/v1`.
        http_enabled: bool = Boolean => {
            key: "transport.http.enabled",
            variable: "HTTP_ENABLED",
            default: "true",
        }
        /// Whether an attribute's text that looks like a number is stored as the number.
        numeric_text_is_number: bool = Boolean => {
            key: "transport.json.type_cast_enabled",
            variable: "JSON_TYPE_CAST_ENABLED",
            default: "true",
        }
    }
}
