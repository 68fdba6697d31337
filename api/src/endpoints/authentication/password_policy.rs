//! `GET /api/noauth/userPasswordPolicy`.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::authentication::{LONGEST_PASSWORD, SHORTEST_PASSWORD};

/// What a new password has to be like. What is null is not asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasswordPolicy {
    /// Least number of characters.
    #[schema(example = 6)]
    minimum_length: usize,
    /// Most characters.
    #[schema(example = 72)]
    maximum_length: usize,
    /// Always null.
    minimum_uppercase_letters: Option<u32>,
    /// Always null.
    minimum_lowercase_letters: Option<u32>,
    /// Always null.
    minimum_digits: Option<u32>,
    /// Always null.
    minimum_special_characters: Option<u32>,
    /// Always true.
    allow_whitespaces: bool,
    /// Always false: a password that was accepted once stays good.
    force_user_to_reset_password_if_not_valid: bool,
    /// Always null: passwords do not expire.
    password_expiration_period_days: Option<u32>,
    /// Always null.
    password_reuse_frequency_days: Option<u32>,
}

/// What a password has to be like
#[utoipa::path(
    get, path = "/api/noauth/userPasswordPolicy", tag = "authentication",
    responses((status = 200, description = "The policy.", body = PasswordPolicy))
)]
pub(crate) async fn password_policy() -> Json<PasswordPolicy> {
    Json(PasswordPolicy {
        minimum_length: SHORTEST_PASSWORD,
        maximum_length: LONGEST_PASSWORD,
        minimum_uppercase_letters: None,
        minimum_lowercase_letters: None,
        minimum_digits: None,
        minimum_special_characters: None,
        allow_whitespaces: true,
        force_user_to_reset_password_if_not_valid: false,
        password_expiration_period_days: None,
        password_reuse_frequency_days: None,
    })
}
