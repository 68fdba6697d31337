//! What requests about tenants and about customers have in common: title, contact, order of lists.

use deed_domain::ports::{AccountSort, Contact, ContactField};

use super::devices::has_markup;
use crate::{
    error::ApiError,
    extract::{JsonObject, SortProperty, email},
};

const LONGEST: usize = 255;

pub(super) fn read_contact(members: &JsonObject) -> Result<Contact, ApiError> {
    let text = |field: ContactField| {
        let name = field.as_str();
        let text = members.text(name)?;
        text.as_deref().map_or(Ok(()), |text| check(name, text))?;
        Ok::<_, ApiError>(text)
    };
    let contact = Contact {
        country: text(ContactField::Country)?,
        state: text(ContactField::State)?,
        city: text(ContactField::City)?,
        address: text(ContactField::Address)?,
        address2: text(ContactField::Address2)?,
        zip: text(ContactField::Zip)?,
        phone: text(ContactField::Phone)?,
        email: text(ContactField::Email)?,
    };
    if let Some(text) = contact.email.as_deref().filter(|text| !text.is_empty()) {
        email(text)?;
    }
    Ok(contact)
}

/// The title; `kind` is what has it, for the message.
pub(super) fn read_title(members: &JsonObject, kind: &str) -> Result<String, ApiError> {
    let title = members.text("title")?.filter(|title| !title.trim().is_empty());
    let title = title.ok_or_else(|| ApiError::invalid(format!("{kind} title should be specified!")))?;
    check_title(&title)?;
    Ok(title)
}

pub(super) fn check_title(title: &str) -> Result<(), ApiError> {
    check("title", title)?;
    if title.chars().any(|c| c.is_ascii_control()) {
        return Err(ApiError::invalid("Validation error: title must not contain control characters"));
    }
    Ok(())
}

pub(super) fn check(member: &str, text: &str) -> Result<(), ApiError> {
    let why = if text.chars().count() > LONGEST {
        "length must be equal or less than 255"
    } else if has_markup(text) {
        "is malformed"
    } else {
        return Ok(());
    };
    Err(ApiError::invalid(format!("Validation error: {member} {why}")))
}

/// The version that a client saw, where it says one; one that nothing can have is another than the stored one.
pub(super) fn read_version(members: &JsonObject, kind: &'static str) -> Result<Option<u32>, ApiError> {
    let version = members.integer("version")?;
    version.map(|version| u32::try_from(version).map_err(|_| ApiError::Changed(kind))).transpose()
}

impl SortProperty for AccountSort {
    const CREATION: Self = Self::Creation;

    fn named(name: &str) -> Option<Self> {
        match name {
            "createdTime" => Some(Self::Creation),
            "title" | "name" => Some(Self::Title),
            _ => ContactField::parse(name).map(Self::Contact),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn object(value: &Value) -> JsonObject {
        JsonObject::parse(&Bytes::from(value.to_string())).unwrap()
    }

    fn title(value: &Value) -> Result<String, String> {
        read_title(&object(value), "Customer").map_err(|error| error.to_string())
    }

    #[test]
    fn a_title_is_one_line_without_markup() {
        for value in [json!({}), json!({"title": ""}), json!({"title": "  "}), json!({"title": null})] {
            assert_eq!(title(&value).unwrap_err(), "Customer title should be specified!", "{value}");
        }
        let refused = |text: &str| title(&json!({"title": text})).unwrap_err();
        assert_eq!(refused(&"x".repeat(256)), "Validation error: title length must be equal or less than 255");
        assert_eq!(refused("<b>x</b>"), "Validation error: title is malformed");
        assert!(refused("a\nb").ends_with("control characters"));
        assert_eq!(title(&json!({"title": "ü < 5"})).unwrap(), "ü < 5");
    }

    #[test]
    fn a_contact_is_read_and_its_address_for_mail_checked() {
        let read = |value: &Value| read_contact(&object(value)).map_err(|error| error.to_string());
        let contact = read(&json!({"city": "Ulm", "zip": 89073, "email": ""})).unwrap();
        assert_eq!((contact.city.as_deref(), contact.zip.as_deref()), (Some("Ulm"), Some("89073")));
        assert_eq!(read(&json!({"email": "rubbish"})).unwrap_err(), "Invalid email address format 'rubbish'!");
        assert!(read(&json!({"phone": "x".repeat(256)})).unwrap_err().contains("phone length"));
        assert!(read(&json!({"address": {}})).is_err());
    }

    #[test]
    fn lists_are_sorted_by_what_they_show() {
        assert_eq!(AccountSort::named("createdTime"), Some(AccountSort::CREATION));
        assert_eq!(AccountSort::named("email"), Some(AccountSort::Contact(ContactField::Email)));
        assert_eq!(AccountSort::named("tenantId"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,300}") {
            let value = json!({"title": text, "email": text, "city": text});
            let _ = (title(&value), read_contact(&object(&value)));
        }
    }
}
