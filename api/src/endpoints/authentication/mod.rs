//! Signing in (`docs/protocol.md`, authentication).

pub(crate) mod act_as;
pub(crate) mod change_password;
pub(crate) mod log_in;
pub(crate) mod log_in_public;
pub(crate) mod log_out;
pub(crate) mod password_policy;
pub(crate) mod refresh;
pub(crate) mod who_am_i;
