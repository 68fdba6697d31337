//! Lets pages of other origins use the API from a browser (`docs/protocol.md`, authentication): who may do what is
//! decided by the token in a header, which no browser sends by itself. They may also embed what is in `/widget/`, as scripts of
//! another origin are fetched under the same rules. What else is served is for pages of this origin alone.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, header, request::Parts};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::{
    endpoints::{DEED_LABELS, DEED_LEFT_OUT},
    extract::REQUEST_ID,
};

const MAX_AGE: Duration = Duration::from_secs(1_800);
const OPEN: [&str; 2] = ["/api/", "/widget/"];
const EXPOSED: [HeaderName; 4] = [REQUEST_ID, header::RETRY_AFTER, DEED_LABELS, DEED_LEFT_OUT];

pub(crate) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(|_: &HeaderValue, request: &Parts| {
            OPEN.iter().any(|open| request.uri.path().starts_with(open))
        }))
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(ExposeHeaders::list(EXPOSED))
        .allow_credentials(true)
        .max_age(MAX_AGE)
}
