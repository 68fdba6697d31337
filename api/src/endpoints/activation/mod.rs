//! A new user chooses a password (`docs/protocol.md`, activation).

pub(crate) mod activate;
pub(crate) mod follow;

use deed_domain::ports::LinkToken;

use crate::extract::BaseUrl;

/// The link that a new user is sent.
pub(crate) fn link(base_url: &BaseUrl, token: &LinkToken) -> String {
    format!("{}/api/noauth/activate?activateToken={}", base_url.as_str(), token.expose())
}
