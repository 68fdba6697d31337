//! Where links of this service lead (`docs/protocol.md`, activation).

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, header, request::Parts},
};

use crate::{error::ApiError, state::Shared};

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const LOCAL: &str = "http://localhost";

/// The beginning of a link: the configured one, or else the address by which the caller reached the service. The latter is
/// good only for a link that the caller itself, who is signed in, asks for: anybody can put another address into a
/// request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl(String);

impl BaseUrl {
    /// The configured one; without it, a link that leads to the reader's own machine.
    pub(crate) fn configured(state: &Shared) -> Self {
        Self(state.settings.base_url.as_deref().unwrap_or(LOCAL).trim_end_matches('/').to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromRequestParts<Shared> for BaseUrl {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        if state.settings.base_url.is_some() {
            return Ok(Self::configured(state));
        }
        Ok(reached(&parts.headers).map_or_else(|| Self::configured(state), Self))
    }
}

/// As a proxy or the client says that the service was reached, if that could be an address.
fn reached(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
    if host.is_empty() || host.len() > 255 || !host.chars().all(is_plain) {
        return None;
    }
    let forwarded = headers.get(X_FORWARDED_PROTO).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let scheme = if forwarded.eq_ignore_ascii_case("https") { "https" } else { "http" };
    Some(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(headers: &[(HeaderName, &'static str)]) -> Option<String> {
        let pairs = headers.iter().map(|(name, text)| (name.clone(), HeaderValue::from_static(text)));
        reached(&pairs.collect())
    }

    #[test]
    fn the_address_by_which_the_service_was_reached_is_believed_as_far_as_it_could_be_one() {
        assert_eq!(of(&[(header::HOST, "deed.example:8080")]).as_deref(), Some("http://deed.example:8080"));
        let behind_a_proxy = [(header::HOST, "deed.example"), (X_FORWARDED_PROTO, "HTTPS")];
        assert_eq!(of(&behind_a_proxy).as_deref(), Some("https://deed.example"));
        assert_eq!(of(&[(header::HOST, "[::1]:80"), (X_FORWARDED_PROTO, "ftp")]).as_deref(), Some("http://[::1]:80"));
        for host in ["", "a b", "a/b", "a@b", "a?b", "a#b", "a\\b", "<a>"] {
            assert_eq!(of(&[(header::HOST, host)]), None, "{host}");
        }
        assert_eq!(of(&[]), None);
    }
}
