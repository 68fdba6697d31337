//! Pages for people (`docs/protocol.md`, activation and forgotten passwords); they are not in the OpenAPI document.

mod choose_password;
mod link;

use axum::{Router, routing::get};

use self::choose_password::{page, script, style};
pub(crate) use self::link::followed;
use crate::state::Shared;

/// The pages, and the files that they need.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/login/createPassword", get(page))
        .route("/login/resetPassword", get(page))
        .route("/login/choose-password.css", get(style))
        .route("/login/choose-password.js", get(script))
}
