//! The id by which a request is found in answers, logs and events.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use deed_domain::ports::{Clock, Entropy};

use crate::{error::ApiError, state::Shared};

/// The header that carries it, in requests and in answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 64;

/// The request's id: the caller's if it is well-formed, a new one otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId {
    text: Box<str>,
}

impl RequestId {
    /// Up to 64 letters, digits, dots, underscores and hyphens are kept; anything else gives way to a new id.
    pub(crate) fn of(headers: &HeaderMap, clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|text| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            (1..=LONGEST).contains(&text.len()) && text.chars().all(is_plain)
        });
        let text = given.map_or_else(|| entropy.new_id(clock.now()).to_string().into(), Box::from);
        Self { text }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The header's value; ids consist of characters that a header takes.
    pub(crate) fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.text).unwrap_or(HeaderValue::from_static("-"))
    }
}

impl FromRequestParts<Shared> for RequestId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let known = parts.extensions.get::<Self>().cloned();
        Ok(known.unwrap_or_else(|| Self::of(&parts.headers, &*state.clock, &*state.entropy)))
    }
}

#[cfg(test)]
mod tests {
    use deed_domain::time::Timestamp;

    use super::*;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp(1)
        }
    }

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    fn id_for(value: &[u8]) -> String {
        let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_bytes(value).unwrap())]);
        RequestId::of(&headers, &Fixed, &Fixed).as_str().to_owned()
    }

    #[test]
    fn a_well_formed_id_is_honoured() {
        assert_eq!(id_for(b"a.B_c-9"), "a.B_c-9");
        assert_eq!(id_for("x".repeat(64).as_bytes()), "x".repeat(64));
    }

    #[test]
    fn anything_else_gives_way_to_a_new_one() {
        let new = RequestId::of(&HeaderMap::new(), &Fixed, &Fixed).as_str().to_owned();
        assert_eq!(new.len(), 36);
        for value in [&b""[..], b"a b", b"a\"b", b"\xff", b"<script>", "x".repeat(65).as_bytes()] {
            assert_eq!(id_for(value), new);
        }
    }
}
