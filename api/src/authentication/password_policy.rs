//! What a new password has to be like (`docs/protocol.md`, passwords).

use deed_domain::ports::Password;

use crate::error::ApiError;

/// Least number of characters.
pub(crate) const MINIMUM: usize = 6;
/// Most characters.
pub(crate) const MAXIMUM: usize = 72;

/// The text as a password that somebody may have from now on.
///
/// # Errors
/// [`ApiError::Invalid`] says what the policy asks for. Blanks alone count for nothing, because nobody can sign in with
/// them.
pub(crate) fn new_password(text: String) -> Result<Password, ApiError> {
    let password = Password::new(text);
    let characters = if password.expose().trim().is_empty() { 0 } else { password.expose().chars().count() };
    if characters < MINIMUM {
        return Err(ApiError::invalid("Password must be 6 or more characters in length."));
    }
    if characters > MAXIMUM {
        return Err(ApiError::invalid("Password must be no more than 72 characters in length."));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_six_to_seventy_two_characters() {
        let message = |text: String| new_password(text).map_err(|error| error.to_string());
        assert_eq!(message("x".repeat(5)).unwrap_err(), "Password must be 6 or more characters in length.");
        assert_eq!(message("ü".repeat(73)).unwrap_err(), "Password must be no more than 72 characters in length.");
        assert_eq!(new_password("ü".repeat(72)).unwrap().expose(), "ü".repeat(72));
        assert_eq!(new_password(" x y z".into()).unwrap().expose(), " x y z", "blanks are kept");
        assert!(new_password(String::new()).is_err() && new_password(" ".repeat(8)).is_err());
    }
}
