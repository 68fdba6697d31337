//! Signing in (`docs/protocol.md`, authentication).

pub(crate) mod log_in;
pub(crate) mod refresh;
pub(crate) mod who_am_i;
