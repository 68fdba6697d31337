//! What an administrator writes into the claiming attributes (`docs/protocol.md`, attributes).

use std::collections::BTreeMap;

use serde_json::{Value, value::RawValue};

use crate::{claim_key::ClaimKey, device::KeySlot, time::Timestamp};

/// A decoded `claimingData`.
#[derive(Clone, Debug)]
pub struct ClaimingData {
    /// The key; empty if the content names none.
    pub key: ClaimKey,
    /// It works up to and including this millisecond; 0 if the content names no time.
    pub expires_at: Timestamp,
    /// Whether it came as a text or as an object.
    pub form: KeySlot,
}

/// The content is no claiming data. Says nothing about it, as it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the attribute claimingData must hold {{\"secretKey\": …, \"expirationTime\": <milliseconds>}}")]
pub struct Undecodable;

impl ClaimingData {
    /// Reads the value of the attribute, as JSON: an object, or a text that holds one. Members that mean nothing are
    /// ignored, a number or boolean is the key that it spells, and a numeric text stands for its number.
    ///
    /// # Errors
    /// [`Undecodable`] if no claiming data can be made of it.
    pub fn parse(json: &str) -> Result<Self, Undecodable> {
        let json = json.trim();
        if json.starts_with('"') {
            let text: String = serde_json::from_str(json).map_err(|_| Undecodable)?;
            return Self::parse_text(&text);
        }
        Self::members(json, KeySlot::AttributeObject)
    }

    /// Reads a text that holds the object.
    ///
    /// # Errors
    /// [`Undecodable`] if no claiming data can be made of it.
    pub fn parse_text(text: &str) -> Result<Self, Undecodable> {
        Self::members(text, KeySlot::AttributeText)
    }

    fn members(object: &str, form: KeySlot) -> Result<Self, Undecodable> {
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(object).map_err(|_| Undecodable)?;
        let key = match members.get("secretKey") {
            None => ClaimKey::new(""),
            Some(value) => ClaimKey::from_json(value).ok_or(Undecodable)?,
        };
        let expiration_time = members.get("expirationTime").map(|value| serde_json::from_str(value.get()));
        let expires_at = match expiration_time.transpose().map_err(|_| Undecodable)? {
            None | Some(Value::Null) => 0,
            Some(Value::Number(number)) => whole(&number)?,
            Some(Value::String(text)) => text.trim().parse().map_err(|_| Undecodable)?,
            Some(_) => return Err(Undecodable),
        };
        Ok(Self { key, expires_at: Timestamp(expires_at), form })
    }
}

/// The number without its fraction; what lies beyond the range ends there.
#[expect(clippy::cast_possible_truncation, reason = "a float that is too large becomes the end of the range")]
fn whole(number: &serde_json::Number) -> Result<i64, Undecodable> {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(whole), _, _) => Ok(whole),
        (None, Some(_), _) => Ok(i64::MAX),
        (None, None, Some(float)) => Ok(float as i64),
        (None, None, None) => Err(Undecodable),
    }
}

/// Whether this value of `claimingAllowed` allows: true, the text "true" in any case, or the number 1 however written.
pub fn is_allowed(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        Value::Number(number) => number.as_f64() == Some(1.0),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parsed(value: Value) -> Result<(String, i64, KeySlot), Undecodable> {
        ClaimingData::parse(&value.to_string()).map(|data| (data.key.expose().to_owned(), data.expires_at.0, data.form))
    }

    #[test]
    fn both_forms_are_read() {
        let text = json!(r#"{"secretKey":"k","expirationTime":5}"#);
        assert_eq!(parsed(text), Ok(("k".into(), 5, KeySlot::AttributeText)));
        let object = json!({"secretKey": "k", "expirationTime": 5, "more": []});
        assert_eq!(parsed(object), Ok(("k".into(), 5, KeySlot::AttributeObject)));
    }

    #[test]
    fn missing_members_mean_the_empty_key_and_a_time_long_past() {
        assert_eq!(parsed(json!({})), Ok((String::new(), 0, KeySlot::AttributeObject)));
        assert_eq!(parsed(json!({"secretKey": null, "expirationTime": null})), parsed(json!({})));
    }

    #[test]
    fn values_are_coerced() {
        let data = |key: Value, time: Value| parsed(json!({"secretKey": key, "expirationTime": time}));
        let object = KeySlot::AttributeObject;
        assert_eq!(data(json!(1.5), json!("7")), Ok(("1.5".into(), 7, object)));
        assert_eq!(data(json!(true), json!(7.9)), Ok(("true".into(), 7, object)));
        assert_eq!(data(json!("k"), json!(u64::MAX)), Ok(("k".into(), i64::MAX, object)));
        assert_eq!(data(json!("k"), json!("soon")), Err(Undecodable));
        assert_eq!(data(json!([]), json!(7)), Err(Undecodable));
    }

    #[test]
    fn a_number_is_the_key_that_it_spells() {
        for spelt in ["89460000000000000001", "1.50", "1e3"] {
            let object = format!(r#"{{"secretKey": {spelt}, "expirationTime": 7}}"#);
            for json in [object.clone(), Value::from(object).to_string()] {
                assert_eq!(ClaimingData::parse(&json).unwrap().key.expose(), spelt, "{json}");
            }
        }
    }

    #[test]
    fn anything_else_is_undecodable() {
        for value in [json!(null), json!(1), json!(true), json!([]), json!(""), json!("null"), json!("[]"), json!("{")]
        {
            assert_eq!(parsed(value.clone()), Err(Undecodable), "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = ClaimingData::parse(&text);
            let _ = ClaimingData::parse_text(&text);
        }
    }
}
