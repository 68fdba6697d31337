//! What a browser may do with a page.

use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY},
};

/// Only what comes from here, no script and no style that stands in the page, nothing that others may frame or send
/// elsewhere, and no text that becomes markup.
const CONTENT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
                       media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                       frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What a browser opens as a document. With scripts and styles it would mean nothing, and weigh more than most of them.
const OF_DOCUMENTS: [(HeaderName, &str); 3] = [
    (CONTENT_SECURITY_POLICY, CONTENT),
    (HeaderName::from_static("permissions-policy"), "camera=(self), microphone=(), geolocation=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Who may use a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// The pages of this service.
    Page,
    /// They as well; in the page's address stands the token of a letter, so that no cache keeps it.
    Letter,
    /// Pages of every origin, which embed it.
    Widget,
}

impl Policy {
    /// Whether a browser may keep it, if it asks each time whether it is still good.
    pub(crate) fn may_be_kept(self) -> bool {
        self != Self::Letter
    }

    /// Says so of a file, which may be a document.
    pub(crate) fn write(self, is_document: bool, headers: &mut HeaderMap) {
        let origins = if self == Self::Widget { "cross-origin" } else { "same-origin" };
        // A token or a key may stand in the page's address.
        let of_every_file = [(REFERRER_POLICY, "no-referrer"), (CROSS_ORIGIN_RESOURCE_POLICY, origins)];
        let of_documents = OF_DOCUMENTS.into_iter().filter(|_| is_document);
        for (name, value) in of_documents.chain(of_every_file) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
