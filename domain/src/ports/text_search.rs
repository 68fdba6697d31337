//! Searching texts in lists.

/// The form in which texts are searched and compared: the same for two texts that differ only in capitals and small
/// letters, in any script.
///
/// Letters go down, up and down again, because some pairs meet only in capitals (`ß` and `ss`, `σ` and `ς`) and some
/// capitals stand alone (`ẞ`). Letter by letter, so that the form of a part is part of the form of the whole.
pub fn fold_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
    let upper = |text: &str| text.chars().flat_map(char::to_uppercase).collect::<String>();
    lower(&upper(&lower(text)))
}

/// Whether the text has the part in it, in whatever case; `folded` is the part's [`fold_case`]. No character of it has a
/// meaning of its own.
pub fn contains_folded(text: &str, folded: &str) -> bool {
    fold_case(text).contains(folded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contains(text: &str, part: &str) -> bool {
        contains_folded(text, &fold_case(part))
    }

    #[test]
    fn a_part_is_found_in_whatever_case() {
        for (text, part) in
            [("Demo-1", "MO-"), ("STRASSE", "ß"), ("Straße", "ss"), ("ΟΔΥΣΣΕΥΣ", "υς"), ("насос", "НАС"), ("x", "")]
        {
            assert!(contains(text, part), "{part} in {text}");
        }
        for (text, part) in [("abc", "%"), ("abc", "a_c"), ("abc", "á"), ("", "a"), ("a", "aa")] {
            assert!(!contains(text, part), "{part} in {text}");
        }
    }

    proptest! {
        #[test]
        fn every_part_of_a_text_is_in_it_however_it_is_written(before in ".{0,8}", part in ".{0,8}", after in ".{0,8}") {
            let text = format!("{before}{part}{after}");
            prop_assert!(contains(&text, &part));
            prop_assert!(contains(&text.to_uppercase(), &part.to_uppercase()));
            prop_assert_eq!(fold_case(&text), fold_case(&before) + &fold_case(&part) + &fold_case(&after));
        }
    }
}
