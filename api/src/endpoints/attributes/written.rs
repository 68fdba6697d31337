//! The body of a save: one object, each member one attribute.

use std::collections::BTreeMap;

use axum::body::Bytes;
use deed_domain::{
    claims::{ClaimingChange, ClaimingData, DataChange, SwitchChange, is_allowed},
    device::{CLAIMING_ALLOWED, CLAIMING_DATA},
    ports::AttributeScope,
};
use serde_json::{Value, value::RawValue};

use super::is_claiming;
use crate::{endpoints::devices::has_markup, error::ApiError};

const LONGEST_KEY: usize = 255;

/// Attributes to write: the claiming ones apart from the plain ones.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) claiming: ClaimingChange,
    pub(super) plain: Vec<(String, Value)>,
}

impl Written {
    pub(super) fn read(body: &Bytes, scope: AttributeScope, numeric_text_is_number: bool) -> Result<Self, ApiError> {
        let mut written = Self { claiming: ClaimingChange::default(), plain: Vec::new() };
        for (key, raw) in members(body)? {
            check_key(&key)?;
            let value = parse(&raw)?;
            if !is_claiming(scope, &key) {
                written.plain.push((key, plain(value, &raw, numeric_text_is_number)));
            } else if key == CLAIMING_ALLOWED {
                let change = if is_allowed(&value) { SwitchChange::Allow } else { SwitchChange::Disallow };
                written.claiming.switch = Some(change);
            } else if key == CLAIMING_DATA {
                written.claiming.data =
                    Some(ClaimingData::parse(&value).map_or(DataChange::Undecodable, DataChange::Set));
            }
        }
        Ok(written)
    }
}

type Members = BTreeMap<String, Box<RawValue>>;

/// The members as they are written; of two of the same name the last one. Some clients put the object into a text.
fn members(body: &Bytes) -> Result<Members, ApiError> {
    if body.is_empty() {
        return Err(ApiError::malformed("Required request body is missing"));
    }
    let invalid = || ApiError::invalid("Invalid JSON");
    let no_object = || ApiError::invalid("Request is not a JSON object");
    let raw: &RawValue = serde_json::from_slice(body).map_err(|_| invalid())?;
    let unwrapped: String;
    let text = if raw.get().starts_with('"') {
        unwrapped = serde_json::from_str(raw.get()).map_err(|_| invalid())?;
        unwrapped.trim()
    } else {
        raw.get()
    };
    if !text.starts_with('{') {
        return Err(no_object());
    }
    let members: Members = serde_json::from_str(text).map_err(|_| invalid())?;
    if members.is_empty() {
        return Err(ApiError::invalid("No attributes data found in request body!"));
    }
    Ok(members)
}

pub(in crate::endpoints) fn check_key(key: &str) -> Result<(), ApiError> {
    let message = if key.trim().is_empty() {
        "Key cannot be blank"
    } else if key.chars().count() > LONGEST_KEY {
        "Validation error: key length must be equal or less than 255"
    } else if has_markup(key) {
        "Validation error: key is malformed"
    } else {
        return Ok(());
    };
    Err(ApiError::invalid(message))
}

fn parse(raw: &RawValue) -> Result<Value, ApiError> {
    match serde_json::from_str(raw.get()) {
        Ok(Value::Null) => Err(ApiError::invalid("The value of an attribute cannot be null")),
        Ok(value) => Ok(value),
        Err(_) => Err(ApiError::invalid("Invalid JSON")),
    }
}

/// The value as it is stored: an integer beyond 64 bits is the text of its digits, and a text that looks like a number is
/// that number, if that is asked for.
fn plain(value: Value, raw: &RawValue, numeric_text_is_number: bool) -> Value {
    let digits = raw.get();
    let is_integer = !digits.contains(['.', 'e', 'E']);
    match value {
        Value::Number(number) if number.as_i64().is_none() && is_integer => digits.into(),
        Value::String(text) if numeric_text_is_number => number_in(&text).unwrap_or(Value::String(text)),
        value => value,
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
    use deed_domain::device::KeySlot;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(body: &str) -> Result<Written, String> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Written::read(&body, AttributeScope::Server, true).map_err(|error| error.to_string())
    }

    fn stored(value: &str) -> Value {
        read(&format!(r#"{{"k":{value}}}"#)).unwrap().plain.remove(0).1
    }

    #[test]
    fn values_keep_their_type() {
        for value in
            ["true", "5", "1.5", "\"x\"", "\"\"", "\"true\"", r#"{"a":[1]}"#, "[1,\"x\"]", "-9223372036854775808"]
        {
            assert_eq!(stored(value), serde_json::from_str::<Value>(value).unwrap(), "{value}");
        }
    }

    #[test]
    fn integers_beyond_64_bits_become_texts() {
        for digits in ["9223372036854775808", "18446744073709551616", "-9223372036854775809"] {
            assert_eq!(stored(digits), json!(digits));
        }
        assert_eq!(stored("1e30"), json!(1e30));
    }

    #[test]
    fn texts_that_look_like_numbers_become_numbers() {
        assert_eq!([stored("\"7\""), stored("\"-7.5\""), stored("\"0\"")], [json!(7), json!(-7.5), json!(0)]);
        for text in ["007", "0x10", "1e3", "7.", ".5", "-", "7 ", "+7", "99999999999999999999", "7.5.1", "１"] {
            assert_eq!(stored(&json!(text).to_string()), json!(text));
        }
        let body = Bytes::from(r#"{"k":"7"}"#);
        let kept = Written::read(&body, AttributeScope::Server, false).unwrap();
        assert_eq!(kept.plain, [("k".to_owned(), json!("7"))]);
    }

    #[test]
    fn claiming_attributes_are_no_plain_ones() {
        let data = r#"{"claimingAllowed":"TRUE","claimingData":{"secretKey":"k","expirationTime":5},"x":1}"#;
        let written = read(data).unwrap();
        assert_eq!(written.plain, [("x".to_owned(), json!(1))]);
        assert_eq!(written.claiming.switch, Some(SwitchChange::Allow));
        let Some(DataChange::Set(data)) = written.claiming.data else { panic!("no data") };
        assert_eq!((data.key.expose(), data.form), ("k", KeySlot::AttributeObject));

        let garbled = read(r#"{"claimingData":"{","claimingAllowed":0}"#).unwrap();
        assert!(matches!(garbled.claiming.data, Some(DataChange::Undecodable)));
        assert_eq!(garbled.claiming.switch, Some(SwitchChange::Disallow));

        let body = Bytes::from(r#"{"claimingAllowed":true}"#);
        let shared = Written::read(&body, AttributeScope::Shared, true).unwrap();
        assert!(shared.claiming.is_empty() && shared.plain.len() == 1);
    }

    #[test]
    fn an_object_inside_a_text_is_unwrapped_once() {
        assert_eq!(read(r#""{\"a\": 1}""#).unwrap().plain, [("a".to_owned(), json!(1))]);
        assert_eq!(read(r#""\"{}\"""#).unwrap_err(), "Request is not a JSON object");
    }

    #[test]
    fn the_last_of_two_members_counts() {
        assert_eq!(read(r#"{"a":1,"a":2}"#).unwrap().plain, [("a".to_owned(), json!(2))]);
    }

    #[test]
    fn what_is_wrong_is_said_in_the_contracts_words() {
        for (body, message) in [
            ("", "Required request body is missing"),
            ("{rubbish", "Invalid JSON"),
            ("[1]", "Request is not a JSON object"),
            ("\"x\"", "Request is not a JSON object"),
            ("null", "Request is not a JSON object"),
            ("{}", "No attributes data found in request body!"),
            (r#"{"  ":1}"#, "Key cannot be blank"),
            (r#"{"<b>x</b>":1}"#, "Validation error: key is malformed"),
            (r#"{"a":null}"#, "The value of an attribute cannot be null"),
        ] {
            assert_eq!(read(body).unwrap_err(), message, "{body}");
        }
        let long = format!(r#"{{"{}":1}}"#, "k".repeat(256));
        assert_eq!(read(&long).unwrap_err(), "Validation error: key length must be equal or less than 255");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let body = format!(r#"{{"a":{}{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(read(&body).unwrap_err(), "Invalid JSON");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = Written::read(&Bytes::from(bytes), AttributeScope::Server, true);
        }

        #[test]
        fn no_text_value_makes_it_panic(text in ".{0,40}") {
            let body = json!({"k": text, "claimingData": text, "claimingAllowed": text}).to_string();
            let _ = read(&body);
        }
    }
}
