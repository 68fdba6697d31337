//! When two ways to write an e-mail are the same one.

use deed_domain::ports::fold_case;

/// The form in which e-mails are compared: equal for two texts that differ only in capitals and small letters, in any
/// script.
pub(super) fn fold(email: &str) -> String {
    fold_case(email)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fold;

    #[test]
    fn capitals_do_not_matter_in_any_script() {
        for (one, other) in [
            ("Anna@Example.org", "aNNA@eXAMPLE.ORG"),
            ("JÜRGEN@MÜLLER.DE", "jürgen@müller.de"),
            ("ΟΔΥΣΣΕΥΣ@example.gr", "οδυσσευς@example.gr"),
            ("STRASSE@example.de", "straße@example.de"),
            ("STRAẞE@example.de", "straße@example.de"),
            ("ИВАН@пример.рф", "иван@ПРИМЕР.РФ"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
    }

    #[test]
    fn other_letters_do() {
        for (one, other) in [("a@x", "á@x"), ("a.b@x", "ab@x"), ("o@x", "0@x"), ("a@x", "a@x ")] {
            assert_ne!(fold(one), fold(other));
        }
    }

    proptest! {
        #[test]
        fn the_folded_form_is_that_of_every_way_to_write_it(email in ".{0,32}") {
            let folded = fold(&email);
            prop_assert_eq!(&fold(&folded), &folded);
            prop_assert_eq!(&fold(&email.to_uppercase()), &folded);
            prop_assert_eq!(&fold(&email.to_lowercase()), &folded);
        }
    }
}
