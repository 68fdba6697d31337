//! Texts of the registry as they are stored, searched and compared, whatever the database.

use deed_domain::ports::{
    ApiKey, ApiKeySort, Contact, LinkToken, ListPage, PageRequest, Profile, User, contains_folded, fold_case,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The form in which e-mails are compared: equal for two texts that differ only in capitals and small letters, in any
/// script.
pub(crate) fn fold_email(email: &str) -> String {
    fold_case(email)
}

/// The form of a title that a search looks at.
pub(crate) fn fold_title(title: &str) -> String {
    fold_case(title)
}

/// What the search of lists of users looks at: e-mail and names, one a line.
pub(crate) fn search_text(user: &User) -> String {
    let name = |name: &Option<String>| fold_case(name.as_deref().unwrap_or_default());
    format!("{}\n{}\n{}", fold_email(&user.email), name(&user.first_name), name(&user.last_name))
}

/// The text to store; a contact of which nothing is known is an empty column.
pub(crate) fn contact_text(contact: &Contact) -> Option<String> {
    (*contact != Contact::default()).then(|| serde_json::json!(contact).to_string())
}

/// The text to store; JSON null is an empty column.
pub(crate) fn json_text(value: Option<&Value>) -> Option<String> {
    value.filter(|value| !value.is_null()).map(Value::to_string)
}

/// The JSON of a stored text, or why it is none, without the text.
pub(crate) fn parse_json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|e| format!("not JSON at line {}, column {}", e.line(), e.column()))
}

/// By what a link is recognised.
pub(crate) fn link_digest(token: &LinkToken) -> [u8; 32] {
    Sha256::digest(token.expose().as_bytes()).into()
}

/// The word for which devices may add themselves to the profile.
pub(crate) fn provision_strategy(profile: &Profile) -> Option<&'static str> {
    profile.provisioning.as_ref().map(|rule| rule.strategy.as_str())
}

/// By which devices find the profile that they add themselves to.
pub(crate) fn provision_key(profile: &Profile) -> Option<&str> {
    profile.provisioning.as_ref().map(|rule| rule.key.as_str())
}

/// By which devices show that they may.
pub(crate) fn provision_secret(profile: &Profile) -> Option<&str> {
    profile.provisioning.as_ref().map(|rule| rule.secret.expose())
}

/// A page of all keys of a user, which stand in order. They are few: they are searched and counted where they are read.
pub(crate) fn page_of_keys(mut keys: Vec<ApiKey>, page: &PageRequest<ApiKeySort>) -> ListPage<ApiKey> {
    if let Some(text) = &page.text_search {
        let part = fold_case(text);
        keys.retain(|key| contains_folded(&key.description, &part));
    }
    let total = keys.len() as u64;
    let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    ListPage { rows: keys.into_iter().skip(skipped).take(page.page_size as usize).collect(), total }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fold_email;

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
            assert_eq!(fold_email(one), fold_email(other));
        }
    }

    #[test]
    fn other_letters_do() {
        for (one, other) in [("a@x", "á@x"), ("a.b@x", "ab@x"), ("o@x", "0@x"), ("a@x", "a@x ")] {
            assert_ne!(fold_email(one), fold_email(other));
        }
    }

    proptest! {
        #[test]
        fn the_folded_form_is_that_of_every_way_to_write_it(email in ".{0,32}") {
            let folded = fold_email(&email);
            prop_assert_eq!(&fold_email(&folded), &folded);
            prop_assert_eq!(&fold_email(&email.to_uppercase()), &folded);
            prop_assert_eq!(&fold_email(&email.to_lowercase()), &folded);
        }
    }
}
