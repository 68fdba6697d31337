//! The REST API: what people and their programs call, and what operates the service.
//!
//! A handler reads the request, calls one use case of [`deed_domain::claims::Claims`] or one query, and shapes the
//! answer; it decides nothing. Every endpoint has a file of its own under `endpoints/`, with its request, response,
//! OpenAPI text, handler and tests.
//!
//! | module | what it holds |
//! |---|---|
//! | `endpoints` | the endpoints, one file each |
//! | `authentication` | tokens, and the roles that a handler can ask for |
//! | `extract` | reads paths, queries, headers and bodies |
//! | `error` | errors, what HTTP makes of them, and the one place that writes their bodies |
//! | `wire` | shapes that several endpoints share |
//! | `limits` | how many requests a tenant and a customer may send |
//! | `outer`, `cors`, `allowed`, `fallback` | what surrounds every route |
//! | `openapi` | the document of the whole |
//! | `press` | draws labels, beside the requests of others |
//! | `pages` | pages for people; what they are made of is in `api/web/` |
//!
//! A router of another crate (the device API over HTTP) is given to [`router`] and runs inside the same surroundings. It
//! needs nothing of this crate: its refusals are empty responses that carry a `deed_domain::claims::Failure`, or an
//! `Arc<dyn Error + Send + Sync>` for a fault of the request, as an extension, and the body is written here.
//!
//! To add an endpoint: a file under `endpoints/`, its line in `endpoints/mod.rs`, and the document written anew
//! (`docs/development.md`).

#![forbid(unsafe_code)]

mod allowed;
mod authentication;
mod cors;
mod endpoints;
mod error;
mod extract;
mod fallback;
mod limits;
mod lingering;
mod openapi;
mod outer;
mod pages;
mod press;
mod state;
mod wire;

use std::sync::Arc;

use axum::{Router, middleware};

pub use endpoints::reset_link;
pub use limits::{OpenStreams, RequestLimits};
pub use openapi::document as openapi_document;
pub use press::LabelPress;
pub use state::{ApiSettings, ApiState, Readiness, ReclaimBody};

/// The API over this state, with the routes of `extra` beside its own.
pub fn router(state: ApiState, extra: Router) -> Router {
    let state = Arc::new(state);
    let (routes, _) = endpoints::routes().split_for_parts();
    routes
        .merge(pages::routes())
        .fallback(fallback::no_route)
        .with_state(Arc::clone(&state))
        .merge(extra)
        .method_not_allowed_fallback(fallback::no_method)
        .layer(middleware::from_fn_with_state(state, outer::outer))
        .layer(cors::cors())
        .layer(middleware::from_fn(allowed::tell))
}
