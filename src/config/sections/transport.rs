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
    }
}
