//! Attributes as people and devices write them: one object, each member one attribute (`docs/protocol.md`, attributes).

use std::collections::BTreeMap;

use serde_json::{Value, value::RawValue};

use crate::texts::has_markup;

/// Most characters of a key.
const LONGEST_KEY: usize = 255;
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Why attributes cannot be stored. Shows nothing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttributes {
    /// It is no JSON.
    #[error("Invalid JSON")]
    NotJson,
    /// It is JSON, but no object.
    #[error("Request is not a JSON object")]
    NotAnObject,
    /// A key is empty or consists of blanks.
    #[error("Key cannot be blank")]
    BlankKey,
    /// A key is too long.
    #[error("Validation error: key length must be equal or less than 255")]
    KeyTooLong,
    /// Markup or U+0000 stands in a key.
    #[error("Validation error: key is malformed")]
    MarkupInKey,
    /// A value is null.
    #[error("The value of an attribute cannot be null")]
    Null,
}

impl InvalidAttributes {
    /// The stable code word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotJson => "malformed_json",
            Self::NotAnObject => "not_an_object",
            Self::BlankKey => "attribute_key_blank",
            Self::KeyTooLong => "attribute_key_too_long",
            Self::MarkupInKey => "attribute_key_malformed",
            Self::Null => "attribute_null",
        }
    }
}

/// A value as it was written.
#[derive(Clone, Debug)]
pub struct Written {
    value: Value,
    text: Box<RawValue>,
}

impl Written {
    /// The value in its JSON type.
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// The value as it was spelt.
    pub fn json(&self) -> &str {
        self.text.get()
    }

    /// The value as it is stored: an integer beyond 64 bits is the text of its digits, and a text that looks like a
    /// number is that number, if that is asked for.
    pub fn into_stored(self, numeric_text_is_number: bool) -> Value {
        let digits = self.text.get();
        let is_integer = !digits.contains(['.', 'e', 'E']);
        match self.value {
            // The reader takes -0 for a float.
            Value::Number(number) if number.as_i64().is_none() && is_integer => {
                digits.parse::<i64>().map_or_else(|_| digits.into(), Value::from)
            }
            Value::String(text) if numeric_text_is_number => number_in(&text).unwrap_or(Value::String(text)),
            value => value,
        }
    }
}

/// Reads the members; of two of the same name the last one. Strict JSON, a byte order mark skipped. Some clients put
/// the object into a text, which is unwrapped once.
///
/// # Errors
/// [`InvalidAttributes`]; then none of them may be stored.
pub fn read(body: &[u8]) -> Result<Vec<(String, Written)>, InvalidAttributes> {
    let not_json = |_| InvalidAttributes::NotJson;
    let body = str::from_utf8(body).map_err(|_| InvalidAttributes::NotJson)?;
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let whole: &RawValue = serde_json::from_str(body).map_err(not_json)?;
    let unwrapped: String;
    let text = if whole.get().starts_with('"') {
        unwrapped = serde_json::from_str(whole.get()).map_err(not_json)?;
        unwrapped.trim()
    } else {
        whole.get()
    };
    if !text.starts_with('{') {
        return Err(InvalidAttributes::NotAnObject);
    }
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).map_err(not_json)?;
    members
        .into_iter()
        .map(|(key, text)| {
            check_key(&key)?;
            match serde_json::from_str(text.get()) {
                Ok(Value::Null) => Err(InvalidAttributes::Null),
                Ok(value) => Ok((key, Written { value, text })),
                Err(_) => Err(InvalidAttributes::NotJson),
            }
        })
        .collect()
}

/// Checks an attribute's key.
///
/// # Errors
/// [`InvalidAttributes`] says what is wrong with it.
pub fn check_key(key: &str) -> Result<(), InvalidAttributes> {
    if key.trim().is_empty() {
        Err(InvalidAttributes::BlankKey)
    } else if key.chars().count() > LONGEST_KEY {
        Err(InvalidAttributes::KeyTooLong)
    } else if has_markup(key) || key.contains('\0') {
        Err(InvalidAttributes::MarkupInKey)
    } else {
        Ok(())
    }
}

/// The number that the text looks like: digits, perhaps a sign before and a point among them. What would lose a leading
/// zero or digits stays a text.
fn number_in(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    if digits.contains('.') {
        text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from)
    } else {
        text.parse::<i64>().ok().map(Value::from)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn stored(body: &str) -> Result<Vec<(String, Value)>, InvalidAttributes> {
        let members = read(body.as_bytes())?;
        Ok(members.into_iter().map(|(key, written)| (key, written.into_stored(true))).collect())
    }

    fn value(value: &str) -> Value {
        stored(&format!(r#"{{"k":{value}}}"#)).unwrap().remove(0).1
    }

    #[test]
    fn values_keep_their_type() {
        for text in
            ["true", "5", "1.5", "\"x\"", "\"\"", "\"true\"", r#"{"a":[1]}"#, "[1,\"x\"]", "-9223372036854775808"]
        {
            assert_eq!(value(text), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn integers_beyond_64_bits_become_texts() {
        for digits in ["9223372036854775808", "18446744073709551616", "-9223372036854775809"] {
            assert_eq!(value(digits), json!(digits));
        }
        assert_eq!(value("1e30"), json!(1e30));
        assert_eq!(value("-0"), json!(0));
    }

    #[test]
    fn texts_that_look_like_numbers_become_numbers() {
        assert_eq!([value("\"7\""), value("\"-7.5\""), value("\"0\"")], [json!(7), json!(-7.5), json!(0)]);
        for text in ["007", "0x10", "1e3", "7.", ".5", "-", "7 ", "+7", "99999999999999999999", "7.5.1", "１"] {
            assert_eq!(value(&json!(text).to_string()), json!(text));
        }
        let kept = read(br#"{"k":"7"}"#).unwrap().remove(0).1.into_stored(false);
        assert_eq!(kept, json!("7"));
    }

    #[test]
    fn an_object_inside_a_text_is_unwrapped_once() {
        assert_eq!(stored(r#""{\"a\": 1}""#), stored(r#"{"a":1}"#));
        assert_eq!(stored("\u{feff} {\"a\":1} "), stored(r#"{"a":1}"#));
        assert_eq!(stored(r#""\"{}\"""#), Err(InvalidAttributes::NotAnObject));
        assert_eq!(stored("{}"), Ok(Vec::new()));
    }

    #[test]
    fn the_last_of_two_members_counts() {
        assert_eq!(stored(r#"{"a":null,"a":2}"#), Ok(vec![("a".to_owned(), json!(2))]));
    }

    #[test]
    fn what_cannot_be_stored_is_refused() {
        let long = format!(r#"{{"{}":1}}"#, "k".repeat(256));
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
        for (body, why) in [
            ("", InvalidAttributes::NotJson),
            ("{rubbish", InvalidAttributes::NotJson),
            (deep.as_str(), InvalidAttributes::NotJson),
            ("[1]", InvalidAttributes::NotAnObject),
            ("\"x\"", InvalidAttributes::NotAnObject),
            ("null", InvalidAttributes::NotAnObject),
            (r#"{"  ":1}"#, InvalidAttributes::BlankKey),
            (r#"{"":1}"#, InvalidAttributes::BlankKey),
            (r#"{"<b>x</b>":1}"#, InvalidAttributes::MarkupInKey),
            (r#"{"a":null}"#, InvalidAttributes::Null),
            (long.as_str(), InvalidAttributes::KeyTooLong),
        ] {
            assert_eq!(stored(body), Err(why), "{}", &body[..body.len().min(40)]);
        }
        assert!(stored(&format!(r#"{{"{}":1}}"#, "ü".repeat(255))).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }

        #[test]
        fn what_is_stored_reads_the_same_again(text in ".{0,40}", number: f64, whole: i64) {
            let body = json!({"text": text, "number": number, "whole": whole}).to_string();
            if let Ok(first) = stored(&body) {
                let again = Value::from_iter(first.clone()).to_string();
                prop_assert_eq!(stored(&again), Ok(first));
            }
        }
    }
}
