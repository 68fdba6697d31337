//! What names and labels may look like (`docs/protocol.md`, devices).

/// Most characters of a name or a label.
pub const LONGEST_TEXT: usize = 255;

/// Why a text cannot be a name or a label; says which member it was meant for, and nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// More characters than [`LONGEST_TEXT`].
    #[error("Validation error: {0} length must be equal or less than 255")]
    TooLong(&'static str),
    /// There is nothing in it but blanks.
    #[error("Validation error: {0} must not be blank")]
    Blank(&'static str),
    /// Markup begins in it.
    #[error("Validation error: {0} is malformed")]
    Markup(&'static str),
    /// A control character stands in it.
    #[error("Validation error: {0} must not contain control characters")]
    ControlCharacter(&'static str),
}

/// Checks a text that people type in and programs put into paths.
///
/// # Errors
/// [`InvalidText`].
pub fn check_name(member: &'static str, text: &str) -> Result<(), InvalidText> {
    check_text(member, text)?;
    if text.trim().is_empty() {
        return Err(InvalidText::Blank(member));
    }
    if text.chars().any(|c| c.is_ascii_control()) {
        return Err(InvalidText::ControlCharacter(member));
    }
    Ok(())
}

/// Checks a text for people, which may have several lines.
///
/// # Errors
/// [`InvalidText`].
pub fn check_text(member: &'static str, text: &str) -> Result<(), InvalidText> {
    if text.chars().count() > LONGEST_TEXT {
        Err(InvalidText::TooLong(member))
    } else if has_markup(text) {
        Err(InvalidText::Markup(member))
    } else if text.contains('\0') {
        // Databases have no text with it.
        Err(InvalidText::ControlCharacter(member))
    } else {
        Ok(())
    }
}

/// Whether a tag, a comment or the like begins somewhere: `<` before a letter, `/`, `!` or `?`. A lone `<` is a text.
pub fn has_markup(text: &str) -> bool {
    text.as_bytes()
        .windows(2)
        .any(|pair| pair[0] == b'<' && matches!(pair[1], b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'!' | b'?'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_without_markup() {
        for name in ["D 1/ü", "a%b", "a;b", "\\", "<1", "a<", "😀", &"ü".repeat(255)] {
            assert_eq!(check_name("name", name), Ok(()), "{name}");
        }
        assert_eq!(check_name("name", &"x".repeat(256)), Err(InvalidText::TooLong("name")));
        for blank in ["", " ", "\t", "\u{a0}\u{3000}"] {
            assert_eq!(check_name("name", blank), Err(InvalidText::Blank("name")), "{blank:?}");
        }
        assert_eq!(check_name("name", "<b>x</b>"), Err(InvalidText::Markup("name")));
        assert_eq!(check_name("name", "a\nb"), Err(InvalidText::ControlCharacter("name")));
    }

    #[test]
    fn a_text_may_have_several_lines() {
        assert_eq!(check_text("label", "a,\"b\"\nc"), Ok(()));
        assert_eq!(check_text("label", "<!--"), Err(InvalidText::Markup("label")));
        assert_eq!(check_text("label", "a\0b"), Err(InvalidText::ControlCharacter("label")));
    }
}
