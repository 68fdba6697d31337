//! `GET /login/createPassword` and `GET /login/resetPassword`: where the links in letters lead to.
//!
//! The token of the link stays in the address: the page's script sends it to `POST /api/noauth/activate` or
//! `POST /api/noauth/resetPassword`. Nothing here reads it.

use axum::http::{HeaderName, header};

/// Only what comes from here, and nothing that others may frame or send elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// A token stands in the page's address.
const NO_REFERRER: &str = "no-referrer";

/// A file, and what a browser has to know about it.
type File = ([(HeaderName, &'static str); 4], &'static str);

/// The page.
pub(crate) async fn page() -> File {
    file("text/html; charset=utf-8", include_str!("choose_password.html"))
}

/// How it looks.
pub(crate) async fn style() -> File {
    file("text/css; charset=utf-8", include_str!("choose_password.css"))
}

/// What it does.
pub(crate) async fn script() -> File {
    file("text/javascript; charset=utf-8", include_str!("choose_password.js"))
}

const fn file(kind: &'static str, text: &'static str) -> File {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, NO_REFERRER),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text)
}
