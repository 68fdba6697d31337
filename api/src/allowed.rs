//! The methods that an answer to `OPTIONS` names. The router names them by itself, but counts `HEAD` among them wherever
//! there is `GET`, which is not so in the device API (`docs/protocol.md`, device API).

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};

use crate::openapi::device_methods;

/// The methods of each path of the device API.
static ALLOWED: LazyLock<BTreeMap<String, HeaderValue>> = LazyLock::new(|| {
    let of_path = |(path, methods): (String, Vec<&'static str>)| Some((path, methods.join(",").parse().ok()?));
    device_methods().into_iter().filter_map(of_path).collect()
});

pub(crate) async fn tell(request: Request, next: Next) -> Response {
    let is_asked = *request.method() == Method::OPTIONS;
    let path = request.extensions().get::<MatchedPath>().filter(|_| is_asked);
    let allowed = path.and_then(|path| ALLOWED.get(path.as_str()));
    let mut response = next.run(request).await;
    if let Some(allowed) = allowed {
        response.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    response
}
