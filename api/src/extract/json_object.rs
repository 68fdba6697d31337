//! JSON objects as clients of the contract send them: members come in any order, unknown ones mean nothing, of two of
//! the same name the last counts, and numbers and booleans may stand for their text. Messages name members, never
//! values: those can be secrets.

use std::fmt;

use axum::body::Bytes;
use serde::{
    Deserializer as _,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};
use uuid::Uuid;

use super::uuid;
use crate::{error::ApiError, wire::NULL_UUID};

/// A request's object.
#[derive(Debug)]
pub(crate) struct JsonObject(Map<String, Value>);

impl JsonObject {
    /// Reads a body that must be there and be an object.
    pub(crate) fn parse(body: &Bytes) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Err(ApiError::malformed("Required request body is missing"));
        }
        let value: Value = serde_json::from_slice(body).map_err(|error| unparsable(&error))?;
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(ApiError::malformed("JSON parse error: the body must be an object")),
        }
    }

    /// As [`Self::parse`], with one member as it is spelt, which is not among the others then.
    pub(crate) fn parse_with_spelling(
        body: &Bytes,
        member: &'static str,
    ) -> Result<(Self, Option<Box<RawValue>>), ApiError> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let read = reader.deserialize_map(Spelt(member)).and_then(|read| reader.end().map(|()| read));
        read.map_err(|error| unparsable(&error))
    }

    /// What the members are called.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether the member is there, null included.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether the member says something: neither null, nor empty, nor the id that stands for none.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| match value {
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => {
                let id = members.get("id").and_then(Value::as_str).and_then(|id| uuid(id).ok());
                !members.is_empty() && id != Some(NULL_UUID)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        })
    }

    /// The member if it is neither missing nor null.
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text. Numbers and booleans stand for theirs.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
            Some(_) => Err(wrong_type(name, "a text")),
        }
    }

    /// A whole number; its text will do.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        number.map(Some).ok_or_else(|| wrong_type(name, "a whole number"))
    }

    /// An entity id whose type is fixed: `entityType` may be left out. The null UUID stands for none.
    pub(crate) fn entity_id(&self, name: &str, entity_type: &str) -> Result<Option<Uuid>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let wrong = || wrong_type(name, "an entity id");
        let members = value.as_object().ok_or_else(wrong)?;
        let of_type = members.get("entityType").is_none_or(|found| found.is_null() || found == entity_type);
        let id = members.get("id").and_then(Value::as_str).filter(|_| of_type).ok_or_else(wrong)?;
        uuid(id).map(|id| Some(id).filter(|id| *id != NULL_UUID))
    }

    /// An object whose members are read in turn.
    pub(crate) fn nested(&self, name: &str) -> Result<Option<Self>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Self(members.clone()))),
            Some(_) => Err(wrong_type(name, "an object")),
        }
    }

    /// Objects in a list.
    pub(crate) fn list(&self, name: &str) -> Result<Option<Vec<Self>>, ApiError> {
        let wrong = || wrong_type(name, "a list of objects");
        let Some(value) = self.get(name) else { return Ok(None) };
        let objects = value.as_array().ok_or_else(wrong)?.iter().map(|item| item.as_object().cloned().map(Self));
        objects.collect::<Option<_>>().map(Some).ok_or_else(wrong)
    }

    /// Texts in a list; a text alone is one.
    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let wrong = || wrong_type(name, "a list of texts");
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(vec![text.clone()])),
            Some(Value::Array(items)) => {
                let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().map(Some).ok_or_else(wrong)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// A flag; its text will do, in any case.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(wrong_type(name, "true or false")),
        }
    }

    /// An object.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Value>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Value::Object(members.clone()))),
            Some(_) => Err(wrong_type(name, "an object")),
        }
    }
}

/// Reads an object, of which the member of that name is kept as it is spelt.
struct Spelt(&'static str);

impl<'de> Visitor<'de> for Spelt {
    type Value = (JsonObject, Option<Box<RawValue>>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut members, mut spelt) = (Map::new(), None);
        while let Some(name) = map.next_key::<String>()? {
            if name == self.0 {
                spelt = Some(map.next_value()?);
            } else {
                members.insert(name, map.next_value()?);
            }
        }
        Ok((JsonObject(members), spelt))
    }
}

/// Where a body is no JSON, or no object.
fn unparsable(error: &serde_json::Error) -> ApiError {
    ApiError::malformed(format!("JSON parse error at line {}, column {}", error.line(), error.column()))
}

fn wrong_type(name: &str, expected: &str) -> ApiError {
    ApiError::malformed(format!("JSON parse error: member '{name}' must be {expected}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(text: &str) -> JsonObject {
        JsonObject::parse(&Bytes::copy_from_slice(text.as_bytes())).unwrap()
    }

    #[test]
    fn the_last_of_two_members_counts_and_unknown_ones_mean_nothing() {
        let members = object(r#"{"name":"a","other":[{}],"name":"b"}"#);
        assert_eq!(members.text("name").unwrap().as_deref(), Some("b"));
    }

    #[test]
    fn scalars_stand_for_their_text() {
        let members = object(r#"{"a":5,"b":true,"c":null,"d":{},"e":"7"}"#);
        assert_eq!(members.text("a").unwrap().as_deref(), Some("5"));
        assert_eq!(members.text("b").unwrap().as_deref(), Some("true"));
        assert_eq!(members.text("c").unwrap(), None);
        assert!(members.text("d").is_err());
        assert_eq!((members.integer("e").unwrap(), members.integer("a").unwrap()), (Some(7), Some(5)));
        assert!(members.integer("b").is_err());
    }

    #[test]
    fn an_id_needs_no_type_and_the_null_uuid_is_none() {
        let id = "784f394c-42b6-11f0-983c-b7beff2784f9";
        let read = |value: &str| object(&format!(r#"{{"x":{value}}}"#)).entity_id("x", "CUSTOMER");
        assert_eq!(read(&format!(r#"{{"id":"{id}"}}"#)).unwrap().unwrap().to_string(), id);
        assert!(read(&format!(r#"{{"entityType":"CUSTOMER","id":"{id}"}}"#)).unwrap().is_some());
        assert!(read(&format!(r#"{{"entityType":"CUSTOMER","id":"{NULL_UUID}"}}"#)).unwrap().is_none());
        assert!(read("null").unwrap().is_none());
        for wrong in [&format!(r#"{{"entityType":"DEVICE","id":"{id}"}}"#), "{}", "5", r#"{"id":"rubbish"}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_member_can_be_had_as_it_is_spelt() {
        let read = |body: &str| JsonObject::parse_with_spelling(&Bytes::copy_from_slice(body.as_bytes()), "k");
        let (members, spelt) = read(r#"{"k":[],"n":7,"k":1.50,"n":8} "#).unwrap();
        assert_eq!((spelt.unwrap().get(), members.integer("n").unwrap()), ("1.50", Some(8)));
        assert!(!members.contains("k"));
        assert!(read("{}").unwrap().1.is_none());
        let deep = format!(r#"{{"k":{}}}"#, "[".repeat(100_000));
        for wrong in ["", "null", "[]", "1", r#"{"k":1"#, "{} {}", r#"{"k":S3CR3T}"#, &deep] {
            let error = read(wrong).unwrap_err();
            assert!(!error.to_string().contains("S3CR3T"), "{error}");
        }
    }

    #[test]
    fn what_is_empty_says_nothing() {
        let none = format!(r#"{{"entityType":"RULE_CHAIN","id":"{NULL_UUID}"}}"#);
        for value in ["null", "\"\"", "[]", "{}", &none] {
            assert!(!object(&format!(r#"{{"x":{value}}}"#)).is_set("x"), "{value}");
        }
        for value in ["0", "false", "\"a\"", "[null]", r#"{"id":"784f394c-42b6-11f0-983c-b7beff2784f9"}"#] {
            assert!(object(&format!(r#"{{"x":{value}}}"#)).is_set("x"), "{value}");
        }
        assert!(!object("{}").is_set("x"));
    }

    #[test]
    fn messages_never_show_a_value() {
        for body in [r#"{"password":"S3CR3T""#, r#""S3CR3T""#, "S3CR3T"] {
            let error = JsonObject::parse(&Bytes::copy_from_slice(body.as_bytes())).unwrap_err();
            assert!(!error.to_string().contains("S3CR3T"), "{error}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let body = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(JsonObject::parse(&Bytes::from(body)).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = JsonObject::parse(&Bytes::from(bytes));
        }
    }
}
