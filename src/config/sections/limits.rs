//! `server.rest.limits` and `transport.rate_limits`: how much callers may send.

use deed_domain::rate_limit::RateLimit;
use serde_yaml_ng::Value;

use crate::config::{
    kind::{Boolean, Kind, Optional, text_of},
    setting::section,
};

section! {
    /// Limits of requests
    pub(crate) struct LimitSettings {
        /// Whether `server.rest.limits.tenant.configuration` counts.
        tenant_enabled: bool = Boolean => {
            key: "server.rest.limits.tenant.enabled",
            variable: "TB_SERVER_REST_LIMITS_TENANT_ENABLED",
            default: "true",
        }
        /// REST requests of a tenant's people and of its customers' users, together: so many in so many seconds, and all
        /// of several pairs hold, as in `100:1,2000:60`.
        tenant: Option<RateLimit> = Optional(Limit) => {
            key: "server.rest.limits.tenant.configuration",
            variable: "TB_SERVER_REST_LIMITS_TENANT_CONFIGURATION",
            default: "" = "no limit",
        }
        /// Whether `server.rest.limits.customer.configuration` counts.
        customer_enabled: bool = Boolean => {
            key: "server.rest.limits.customer.enabled",
            variable: "TB_SERVER_REST_LIMITS_CUSTOMER_ENABLED",
            default: "true",
        }
        /// REST requests of a customer's users.
        customer: Option<RateLimit> = Optional(Limit) => {
            key: "server.rest.limits.customer.configuration",
            variable: "TB_SERVER_REST_LIMITS_CUSTOMER_CONFIGURATION",
            default: "" = "no limit",
        }
        /// Whether `transport.rate_limits.device` counts.
        device_enabled: bool = Boolean => {
            key: "transport.rate_limits.enabled",
            variable: "TB_TRANSPORT_RATE_LIMITS_ENABLED",
            default: "true",
        }
        /// Requests of a device to the device API.
        device: Option<RateLimit> = Optional(Limit) => {
            key: "transport.rate_limits.device",
            variable: "TB_TRANSPORT_RATE_LIMITS_DEVICE",
            default: "" = "no limit",
        }
    }
}

impl LimitSettings {
    /// The limit of a tenant, if there is one.
    pub(crate) fn of_tenants(&self) -> Option<&RateLimit> {
        self.tenant.as_ref().filter(|_| self.tenant_enabled)
    }

    /// The limit of a customer, if there is one.
    pub(crate) fn of_customers(&self) -> Option<&RateLimit> {
        self.customer.as_ref().filter(|_| self.customer_enabled)
    }

    /// The limit of a device, if there is one.
    pub(crate) fn of_devices(&self) -> Option<&RateLimit> {
        self.device.as_ref().filter(|_| self.device_enabled)
    }
}

/// `requests:seconds,requests:seconds`.
struct Limit;

impl Kind for Limit {
    type Value = RateLimit;

    fn name(&self) -> String {
        "`<requests>:<seconds>`, several with commas between".into()
    }

    fn parse(&self, value: &Value) -> Result<RateLimit, String> {
        let text = text_of(value).unwrap_or_default();
        text.parse().map_err(|why| format!("{why}, not `{text}`"))
    }

    fn show(&self, limit: &RateLimit) -> String {
        limit.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_may_be_left_out_and_is_shown_as_it_was_written() {
        let limit = |text: &str| Optional(Limit).parse(&text.into());
        assert_eq!(limit(""), Ok(None));
        assert_eq!(Optional(Limit).show(&limit("100:1,2000:60").unwrap()), "100:1,2000:60");
        assert!(limit("100").unwrap_err().ends_with("seconds, not `100`"));
    }

    #[test]
    fn a_limit_that_is_switched_off_is_none() {
        let settings = |enabled| LimitSettings {
            tenant_enabled: enabled,
            tenant: "100:1".parse().ok(),
            customer_enabled: enabled,
            customer: "10:1".parse().ok(),
            device_enabled: enabled,
            device: "1:1".parse().ok(),
        };
        let in_force = |settings: &LimitSettings| {
            [settings.of_tenants(), settings.of_customers(), settings.of_devices()].map(|limit| limit.is_some())
        };
        assert_eq!(in_force(&settings(true)), [true; 3]);
        assert_eq!(in_force(&settings(false)), [false; 3]);
    }
}
