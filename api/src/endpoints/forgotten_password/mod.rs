//! A user chooses another password instead of a forgotten one (`docs/protocol.md`, forgotten passwords).

pub(crate) mod ask;
pub(crate) mod follow;
pub(crate) mod reset;

use deed_domain::ports::LinkToken;

/// The link with which a user chooses another password, of a service at that address.
pub fn reset_link(base_url: &str, token: &LinkToken) -> String {
    format!("{base_url}/api/noauth/resetPassword?resetToken={}", token.expose())
}
