//! What is answered where there is no route or no such method.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{Method, Uri},
    response::Response,
};

use crate::{
    authentication::SignedIn,
    error::{ApiError, Unauthenticated},
    pages,
    state::Shared,
};

const LOGINS: [&str; 2] = ["/api/auth/login", "/api/auth/login/public"];
const DEVICE_API: &str = "/api/v1/";
/// So many characters of a path that leads nowhere are repeated to the caller.
const LONGEST_SHOWN: usize = 200;

/// Nobody learns without credentials which routes of the REST API exist.
pub(crate) async fn no_route(State(state): State<Shared>, request: Request) -> Result<Response, ApiError> {
    let path = request.uri().path();
    if let Some(page) = pages::instead_of(path, request.headers()) {
        return Ok(page);
    }
    // Behind the prefix of the device API stands a token.
    let shown = if path.starts_with(DEVICE_API) { DEVICE_API } else { path };
    let shown: String = shown.trim_start_matches('/').chars().take(LONGEST_SHOWN).collect();
    let needs_credentials = path.starts_with("/api/") && !path.starts_with(DEVICE_API);
    let (mut parts, _) = request.into_parts();
    if needs_credentials && let Err(error) = SignedIn::from_request_parts(&mut parts, &state).await {
        return Err(error);
    }
    Err(ApiError::NoRoute(shown.into()))
}

pub(crate) async fn no_method(method: Method, uri: Uri) -> ApiError {
    if LOGINS.contains(&uri.path()) {
        return Unauthenticated::MethodNotSupported.into();
    }
    ApiError::NoMethod(method)
}
