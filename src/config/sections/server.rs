//! `server`: where and how HTTP is served.

use std::net::IpAddr;

use serde_yaml_ng::Value;

use crate::config::{
    kind::{Address, Kind, Only, Optional, Whole, text_of},
    setting::section,
};

const TLS: Only = Only { position: false, why: "TLS is not served yet; put a proxy that does in front" };

section! {
    /// HTTP server
    pub(crate) struct ServerSettings {
        /// The address on which HTTP is served. With `--demo` the default is `127.0.0.1`.
        address: IpAddr = Address => {
            key: "server.address",
            variable: "HTTP_BIND_ADDRESS",
            default: "0.0.0.0",
        }
        /// The port on which HTTP is served, for people and devices alike; 0 takes any that is free.
        port: u16 = Whole::port() => {
            key: "server.port",
            variable: "HTTP_BIND_PORT",
            default: "8080",
        }
        /// Where people reach the service, as links in letters and activation links name it.
        base_url: Option<String> = Optional(HttpUrl) => {
            key: "server.base_url",
            variable: "DEED_BASE_URL",
            default: "" = "where the request for an activation link came to",
        }
        /// Whether the port speaks TLS.
        _tls: () = TLS => {
            key: "server.ssl.enabled",
            variable: "SSL_ENABLED",
            default: "false",
        }
        /// Most bytes of a request's body: the number that stands for the pattern `/api/**`, or a number alone. Other
        /// patterns have no effect. A claim of the device API, and a request that needs no credentials, such as a login, is limited to
        /// 65536 bytes in any case.
        max_body_bytes: usize = BodyLimit => {
            key: "server.http.max_payload_size",
            variable: "HTTP_MAX_PAYLOAD_SIZE_LIMIT_CONFIGURATION",
            default: "/api/**=16777216",
        }
    }
}

/// Where people reach the service, as the command line says it.
///
/// # Errors
/// What it has to be.
pub(crate) fn base_url(text: &str) -> Result<String, String> {
    HttpUrl.parse(&text.into())
}

/// `http://` or `https://` and what follows, without a slash at the end.
struct HttpUrl;

impl Kind for HttpUrl {
    type Value = String;

    fn name(&self) -> String {
        "an address that begins with `http://` or `https://`".into()
    }

    fn parse(&self, value: &Value) -> Result<String, String> {
        let text = text_of(value).unwrap_or_default();
        let text = text.trim().trim_end_matches('/');
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
        let is_plain = |c: char| c.is_ascii_graphic() && !"?#<>\"\\".contains(c);
        if rest.is_empty() || !rest.chars().all(is_plain) {
            return Err(format!("must be {}, without a query", self.name()));
        }
        Ok(text.to_owned())
    }

    fn show(&self, value: &String) -> String {
        value.clone()
    }
}

/// `pattern=bytes;pattern=bytes`, of which the pattern of the API counts.
struct BodyLimit;

const API: &str = "/api/**";

impl Kind for BodyLimit {
    type Value = usize;

    fn name(&self) -> String {
        "`/api/**=<bytes>`".into()
    }

    fn parse(&self, value: &Value) -> Result<usize, String> {
        let text = text_of(value).ok_or_else(|| format!("must be {}", self.name()))?;
        let bytes = |text: &str| {
            let bytes = text.trim().parse().ok().filter(|bytes| *bytes > 0);
            bytes.ok_or_else(|| format!("must be {}, a limit at least 1", self.name()))
        };
        if !text.contains('=') {
            return bytes(&text);
        }
        let mut limit = None;
        for pair in text.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (pattern, number) = pair.split_once('=').ok_or_else(|| format!("must be {}", self.name()))?;
            let number = bytes(number)?;
            if pattern.trim() == API {
                limit = Some(number);
            }
        }
        limit.ok_or_else(|| format!("must have a limit for {API}"))
    }

    fn show(&self, value: &usize) -> String {
        format!("{API}={value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_the_beginning_of_a_link() {
        let url = |text: &str| HttpUrl.parse(&text.into()).ok();
        assert_eq!(url("https://deed.example/").as_deref(), Some("https://deed.example"));
        assert_eq!(url(" http://[::1]:8080/deed ").as_deref(), Some("http://[::1]:8080/deed"));
        for text in ["deed.example", "https://", "ftp://x", "https://a b", "https://a?b", "https://a#b", "https:///"] {
            assert_eq!(url(text), None, "{text}");
        }
    }

    #[test]
    fn the_limit_of_the_api_counts() {
        let limit = |text: &str| BodyLimit.parse(&text.into());
        assert_eq!(limit("/api/image*/**=52428800;/api/resource/**=52428800;/api/**=16777216"), Ok(16_777_216));
        assert_eq!(limit(" /api/** = 5 ; "), Ok(5));
        assert_eq!(limit("7"), Ok(7));
        for text in ["", "0", "/api/**=", "/api/**=x", "/api/v1/**=5", "/api/**=0", "x;/api/**=5"] {
            assert!(limit(text).is_err(), "{text}");
        }
        assert_eq!(BodyLimit.parse(&BodyLimit.show(&9).into()), Ok(9));
    }
}
