//! One file that a browser is given: what it is, compressed or not, or that the browser has it already.

use std::{io::Write as _, sync::OnceLock};

use axum::{
    body::Bytes,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY},
    },
    response::{IntoResponse, Response},
};
use flate2::{Compression, Crc, write::GzEncoder};

use super::headers::Policy;

/// A file's bytes and what a browser has to know about them.
pub(crate) struct Asset {
    kind: &'static str,
    plain: Bytes,
    policy: Policy,
    /// Made when the file is asked for first: the tests of most programs never do.
    derived: OnceLock<Derived>,
}

/// Whether a browser shows it by itself: a drawing may have scripts of its own.
fn is_document(kind: &str) -> bool {
    kind.starts_with("text/html") || kind == "image/svg+xml"
}

/// What follows from the bytes.
struct Derived {
    packed: Bytes,
    tag: String,
    packed_tag: String,
}

impl Asset {
    /// A file of that media type.
    pub(crate) const fn new(kind: &'static str, plain: Bytes, policy: Policy) -> Self {
        Self { kind, plain, policy, derived: OnceLock::new() }
    }

    /// Answers a request with these headers. Every time the browser asks whether its copy is still good, so that pages and
    /// scripts of two versions do not meet for long; it costs an answer without a body.
    pub(crate) fn answer(&self, asked: &HeaderMap) -> Response {
        let derived = self.derived.get_or_init(|| Derived::of(&self.plain));
        let is_packed = takes_gzip(asked);
        let (tag, body) = if is_packed { (&derived.packed_tag, &derived.packed) } else { (&derived.tag, &self.plain) };
        let mut response = if self.policy.may_be_kept() && has(asked, tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(CONTENT_TYPE, self.kind)], body.clone()).into_response()
        };
        let is_whole = response.status() == StatusCode::OK;
        let headers = response.headers_mut();
        if is_whole && is_packed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if is_whole {
            self.policy.write(is_document(self.kind), headers);
        }
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if self.policy.may_be_kept() {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            headers.extend(HeaderValue::from_str(tag).map(|tag| (ETAG, tag)));
        }
        response
    }
}

impl Derived {
    fn of(plain: &Bytes) -> Self {
        let mut sum = Crc::new();
        sum.update(plain);
        let name = format!("{:08x}-{:x}", sum.sum(), plain.len());
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory does not fail. If it did, the text would be cut short, and no browser would take it.
        let _ = encoder.write_all(plain);
        let packed = encoder.finish().unwrap_or_default().into();
        Self { packed, tag: format!("\"{name}\""), packed_tag: format!("\"{name}-gz\"") }
    }
}

/// Whether the browser has what that tag names (RFC 9110, section 13.1.2: compared weakly, as a proxy may have weakened it).
fn has(asked: &HeaderMap, tag: &str) -> bool {
    listed(asked, &IF_NONE_MATCH).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// Whether gzip is named, or everything is, and not with a weight of zero (RFC 9110, section 12.5.3).
fn takes_gzip(asked: &HeaderMap) -> bool {
    let weight = |coding: &str| {
        listed(asked, &ACCEPT_ENCODING).find_map(|item| {
            let (name, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
            let weight = parameter.trim().to_ascii_lowercase().strip_prefix("q=").and_then(|text| text.parse().ok());
            name.trim().eq_ignore_ascii_case(coding).then(|| weight.unwrap_or(0.0_f32))
        })
    };
    weight("gzip").or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

fn listed<'a>(headers: &'a HeaderMap, name: &axum::http::HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use axum::{body::to_bytes, http::HeaderName};
    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn asset(policy: Policy) -> Asset {
        Asset::new("text/css", Bytes::from_static(TEXT.as_bytes()), policy)
    }

    fn asking(headers: &[(HeaderName, &str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[tokio::test]
    async fn a_browser_gets_it_compressed_once() {
        let asset = asset(Policy::Page);
        let answer = asset.answer(&asking(&[(ACCEPT_ENCODING, "br, gzip")]));
        assert_eq!(
            (&answer.headers()[CONTENT_ENCODING], &answer.headers()[VARY]),
            (&"gzip".parse().unwrap(), &"accept-encoding".parse().unwrap())
        );
        let tag = answer.headers()[ETAG].to_str().unwrap().to_owned();
        let body = to_bytes(answer.into_body(), 1_000).await.unwrap();
        assert!(body.len() < TEXT.len());
        let mut text = String::new();
        GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
        assert_eq!(text, TEXT);
        for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let answer = asset.answer(&asking(&[(ACCEPT_ENCODING, "gzip"), (IF_NONE_MATCH, &known)]));
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(answer.headers()[ETAG], tag);
            assert!(to_bytes(answer.into_body(), 1_000).await.unwrap().is_empty());
        }
        // The copy that is not compressed is another one.
        assert_eq!(asset.answer(&asking(&[(IF_NONE_MATCH, &tag)])).status(), StatusCode::OK);
    }

    #[test]
    fn who_does_not_want_it_compressed_gets_it_as_it_is() {
        for (coding, is_packed) in [
            ("gzip", true),
            ("GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000, *", false),
            ("*;q=0", false),
            ("br", false),
            ("gzipped", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(&asking(&[(ACCEPT_ENCODING, coding)])), is_packed, "{coding}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn what_must_not_be_kept_has_no_tag() {
        let answer = asset(Policy::Letter).answer(&asking(&[(IF_NONE_MATCH, "*")]));
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.headers().get(ETAG).is_none() && answer.headers().get(CACHE_CONTROL).is_none());
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(coding in "\\PC{0,40}", known in "\\PC{0,40}") {
            let mut headers = HeaderMap::new();
            headers.extend(HeaderValue::from_str(&coding).map(|value| (ACCEPT_ENCODING, value)));
            headers.extend(HeaderValue::from_str(&known).map(|value| (IF_NONE_MATCH, value)));
            asset(Policy::Widget).answer(&headers);
        }
    }
}
