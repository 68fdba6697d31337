//! Finds the token in the headers (`docs/protocol.md`, authentication).

use axum::http::{HeaderMap, HeaderName, header::AUTHORIZATION};

use crate::error::Unauthenticated;

const X_AUTHORIZATION: HeaderName = HeaderName::from_static("x-authorization");

/// What a request signs in with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Presented<'a> {
    /// A token of a login.
    Token(&'a str),
    /// The value of an API key.
    ApiKey(&'a str),
}

/// The credentials: from `X-Authorization`, or from `Authorization` if the first is missing or blank. Those that fail are
/// not made good by the other header.
pub(super) fn presented(headers: &HeaderMap) -> Result<Presented<'_>, Unauthenticated> {
    let credentials = [X_AUTHORIZATION, AUTHORIZATION]
        .into_iter()
        .filter_map(|name| headers.get(name))
        .find(|value| !value.as_bytes().trim_ascii().is_empty())
        .ok_or(Unauthenticated::NoCredentials)?;
    let text = credentials.to_str().map_err(|_| Unauthenticated::NoCredentials)?;
    // Blanks at the end of a header are cut off on the way, so an empty key comes as the scheme alone.
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    if scheme.eq_ignore_ascii_case("ApiKey") {
        return Ok(Presented::ApiKey(rest));
    }
    if scheme.eq_ignore_ascii_case("Bearer") && !rest.is_empty() {
        return Ok(Presented::Token(rest));
    }
    Err(Unauthenticated::NoCredentials)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(pairs: &[(HeaderName, &str)]) -> Result<String, Unauthenticated> {
        let headers = pairs.iter().map(|(name, text)| (name.clone(), HeaderValue::from_str(text).unwrap()));
        presented(&headers.collect()).map(|presented| match presented {
            Presented::Token(token) => token.to_owned(),
            Presented::ApiKey(key) => format!("key {key}"),
        })
    }

    #[test]
    fn the_first_header_wins_and_a_blank_one_is_absent() {
        assert_eq!(read(&[(AUTHORIZATION, "Bearer a")]), Ok("a".into()));
        assert_eq!(read(&[(AUTHORIZATION, "Bearer a"), (X_AUTHORIZATION, "bEARER b")]), Ok("b".into()));
        assert_eq!(read(&[(AUTHORIZATION, "Bearer a"), (X_AUTHORIZATION, " ")]), Ok("a".into()));
        let fails = read(&[(AUTHORIZATION, "Bearer a"), (X_AUTHORIZATION, "Basic b")]);
        assert_eq!(fails, Err(Unauthenticated::NoCredentials));
    }

    #[test]
    fn only_known_schemes_are_credentials() {
        for text in ["", "Bearer", "Bearer ", "Basic dTpw", "Foobar x", "rubbish"] {
            assert_eq!(read(&[(X_AUTHORIZATION, text)]), Err(Unauthenticated::NoCredentials), "{text}");
        }
        assert_eq!(read(&[(X_AUTHORIZATION, "apikey tb_x")]), Ok("key tb_x".into()));
        for empty in ["ApiKey ", "ApiKey"] {
            assert_eq!(read(&[(X_AUTHORIZATION, empty)]), Ok("key ".into()), "an empty one is an unknown one");
        }
        assert_eq!(read(&[(X_AUTHORIZATION, "Bearer  x")]), Ok(" x".into()));
    }
}
