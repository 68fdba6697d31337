//! Path parameters, percent-decoded exactly once.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use uuid::Uuid;

use super::uuid;
use crate::{error::ApiError, state::Shared};

/// The parameters of the matched route, by name.
pub(crate) struct PathParams(Vec<(String, String)>);

impl PathParams {
    /// The decoded text of a parameter.
    pub(crate) fn text(&self, name: &str) -> Result<&str, ApiError> {
        let found = self.0.iter().find(|(of, _)| of == name);
        found.map(|(_, text)| text.as_str()).ok_or_else(|| ApiError::NoRoute(name.into()))
    }

    /// A parameter that is an id.
    pub(crate) fn id<T: From<Uuid>>(&self, name: &str) -> Result<T, ApiError> {
        uuid(self.text(name)?).map(T::from)
    }
}

impl FromRequestParts<Shared> for PathParams {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::malformed("The path cannot be decoded"))?;
        Ok(Self(params.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()))
    }
}

/// Refuses a path with an empty segment, a broken percent-encoding, or segments that are not UTF-8.
pub(crate) fn check_path(path: &str) -> Result<(), ApiError> {
    if path.contains("//") {
        return Err(ApiError::malformed("The path has an empty segment"));
    }
    if is_encoded_utf8(path) { Ok(()) } else { Err(ApiError::malformed("The path is not percent-encoded UTF-8")) }
}

/// Whether the text is UTF-8 when it is percent-decoded. What libraries put in the place of other bytes is not what was
/// sent.
pub(super) fn is_encoded_utf8(text: &str) -> bool {
    !text.contains('%') || decode(text.as_bytes()).is_some_and(|bytes| str::from_utf8(&bytes).is_ok())
}

fn decode(path: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'%' {
            let mut digit = || bytes.next().and_then(|byte| char::from(*byte).to_digit(16));
            let (high, low) = (digit()?, digit()?);
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(*byte);
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_percent_encoded_utf8_without_empty_segments() {
        for path in ["/", "/a/b", "/a/D%201%2F%C3%BC/claim", "/a/%25", "/a/%2F%2F", "/a/%0A"] {
            assert!(check_path(path).is_ok(), "{path}");
        }
        for path in ["//", "/a//b", "/a/%", "/a/%2", "/a/%zz", "/a/%ff", "/a/%C3", "/a/%+1"] {
            assert!(check_path(path).is_err(), "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_path_makes_it_panic(path in "[/%a-fA-F0-9ü]{0,40}") {
            let _ = check_path(&path);
        }
    }
}
