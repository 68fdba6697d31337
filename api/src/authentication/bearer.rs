//! Finds the token in the headers (`docs/protocol.md`, authentication).

use axum::http::{HeaderMap, HeaderName, header::AUTHORIZATION};

use crate::error::Unauthenticated;

const X_AUTHORIZATION: HeaderName = HeaderName::from_static("x-authorization");

/// The token: from `X-Authorization`, or from `Authorization` if the first is missing or blank. A token that fails is
/// not made good by the other header.
pub(super) fn token(headers: &HeaderMap) -> Result<&str, Unauthenticated> {
    let credentials = [X_AUTHORIZATION, AUTHORIZATION]
        .into_iter()
        .filter_map(|name| headers.get(name))
        .find(|value| !value.as_bytes().trim_ascii().is_empty())
        .ok_or(Unauthenticated::NoCredentials)?;
    let text = credentials.to_str().map_err(|_| Unauthenticated::NoCredentials)?;
    let (scheme, rest) = text.split_once(' ').ok_or(Unauthenticated::NoCredentials)?;
    if rest.is_empty() {
        return Err(Unauthenticated::NoCredentials);
    }
    if scheme.eq_ignore_ascii_case("Bearer") {
        return Ok(rest);
    }
    // There are no API keys yet, so every one of them is unknown.
    Err(if scheme.eq_ignore_ascii_case("ApiKey") {
        Unauthenticated::BadCredentials
    } else {
        Unauthenticated::NoCredentials
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(pairs: &[(HeaderName, &str)]) -> Result<String, Unauthenticated> {
        let headers = pairs.iter().map(|(name, text)| (name.clone(), HeaderValue::from_str(text).unwrap()));
        token(&headers.collect()).map(str::to_owned)
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
        assert_eq!(read(&[(X_AUTHORIZATION, "ApiKey tb_x")]), Err(Unauthenticated::BadCredentials));
        assert_eq!(read(&[(X_AUTHORIZATION, "Bearer  x")]), Ok(" x".into()));
    }
}
