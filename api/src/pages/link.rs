//! What somebody is answered who follows the link of a letter (`docs/protocol.md`, activation and forgotten passwords).

use axum::{
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};

use crate::error::accepts;

/// Leads to `page`, with the `query` that carries the token where the link is good. Where it is not, a program gets an empty
/// `409`, of which a browser would show nothing: that is led to the page all the same, which then says what to do.
pub(crate) fn followed(headers: &HeaderMap, page: &str, query: Option<&str>) -> Response {
    let location = match query {
        Some(query) => format!("{page}?{query}"),
        None if accepts(headers, "text/html") => page.to_owned(),
        None => return StatusCode::CONFLICT.into_response(),
    };
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}
