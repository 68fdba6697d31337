//! The outermost layer, one for every route: the request's id, its log span and metrics, panics, the bodies of errors,
//! and headers that every answer carries.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::Instrument;

use crate::{
    error::{ApiError, Format, written},
    extract::{REQUEST_ID, RequestId, check_path},
    lingering::Lingering,
    state::Shared,
};

const NO_ROUTE: &str = "(none)";
const X_CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");

pub(crate) async fn outer(State(state): State<Shared>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers(), &*state.clock, &*state.entropy);
    request.headers_mut().insert(REQUEST_ID, id.header_value());
    request.extensions_mut().insert(id.clone());
    let format = Format::asked_for(request.headers());
    let method = method_name(request.method());
    // The path itself is in no log and no metric: a device's token stands in it.
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();

    let span = tracing::info_span!("request", request_id = id.as_str(), method, route);
    let response = async {
        let response = match check_path(request.uri().path()) {
            Ok(()) => run(request, next).await,
            Err(error) => error.into_response(),
        };
        let response = written(response, format, id.as_str(), state.clock.now());
        let elapsed = started.elapsed();
        tracing::debug!(
            status = response.status().as_u16(),
            elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            "request answered"
        );
        response
    }
    .instrument(span)
    .await;

    let status = response.status().as_str().to_owned();
    metrics::counter!("deed_http_requests_total", "method" => method, "route" => route.clone(), "status" => status)
        .increment(1);
    metrics::histogram!("deed_http_request_duration_seconds", "method" => method, "route" => route)
        .record(started.elapsed());
    with_headers(response, &id)
}

async fn run(request: Request, next: Next) -> Response {
    let request = request.map(Lingering::around);
    // What a handler was doing when it panicked is thrown away with it; nothing is shared but through locks and the store.
    AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| ApiError::Panicked.into_response())
}

/// The method as one of a fixed set of words, so that nobody can make new time series.
const fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

fn with_headers(mut response: Response, id: &RequestId) -> Response {
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.header_value());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
