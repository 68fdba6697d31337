//! Requests that are answered when something happens, or after some time.

use std::time::Duration;

use axum::extract::{Query, rejection::QueryRejection};
use serde::Deserialize;

use super::DeviceHttp;

#[derive(Deserialize)]
pub(super) struct Parameters {
    /// Milliseconds to wait.
    timeout: Option<u64>,
}

/// The query cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("timeout must be a number of milliseconds")]
pub(super) struct BadTimeout;

/// The milliseconds that the request names, if it does, as far as requests may wait.
///
/// # Errors
/// [`BadTimeout`] if it names something else.
pub(super) fn patience(
    state: &DeviceHttp,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Option<Duration>, BadTimeout> {
    let Query(Parameters { timeout }) = parameters.map_err(|_| BadTimeout)?;
    let named = timeout.filter(|timeout| *timeout > 0);
    Ok(named.map(|timeout| Duration::from_millis(timeout).min(state.longest_wait)))
}
