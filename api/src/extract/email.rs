//! E-mails that people sign in with.

use super::shortened;
use crate::error::ApiError;

const LONGEST: usize = 255;

/// The text as an e-mail, without the blanks around it.
///
/// # Errors
/// [`ApiError::Invalid`] if it could not be an address.
pub(crate) fn email(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    if is_email(text) {
        Ok(text.to_owned())
    } else {
        Err(ApiError::invalid(format!("Invalid email address format '{}'!", shortened(text))))
    }
}

/// Something, one `@`, a domain, and no blanks or control characters.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;:\\\"()[]@".contains(c);
    let labels_are_there = domain.split('.').all(|label| !label.is_empty());
    !local.is_empty()
        && labels_are_there
        && text.chars().count() <= LONGEST
        && (local.chars().chain(domain.chars())).all(is_plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_email_looks_like_one() {
        for text in ["a@b.org", "ä+x@localhost", "a.b@c.d.e"] {
            assert_eq!(email(&format!(" {text} ")).unwrap(), text);
        }
        for text in ["", "a", "@b.org", "a@", "a@b..org", "a b@c.org", "a@b@c", "<a>@b.org", "a@b.o\nrg"] {
            assert!(email(text).is_err(), "{text}");
        }
        assert_eq!(email("rubbish").unwrap_err().to_string(), "Invalid email address format 'rubbish'!");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,300}") {
            let _ = email(&text);
        }
    }
}
