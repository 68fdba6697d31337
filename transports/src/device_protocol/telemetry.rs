//! Telemetry: read, to tell a device whose firmware is at fault, and then dropped.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::message_text::{MessageError, json_text};

/// Checks a message of telemetry: an object, or an array of objects, as text or inside a text. Nothing of it is kept, so
/// its readings may be anything.
///
/// # Errors
/// [`MessageError`].
pub fn check_telemetry(message: &[u8]) -> Result<(), MessageError> {
    let text = json_text(message)?;
    serde_json::from_str::<Telemetry>(&text)
        .map(drop)
        .map_err(|error| MessageError::of(&error, MessageError::NotTelemetry))
}

/// One object, or several in an array.
struct Telemetry;

/// One object.
struct Readings;

impl<'de> Deserialize<'de> for Telemetry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Telemetry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array of objects")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Telemetry, A::Error> {
                skip(map).map(|()| Telemetry)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Telemetry, A::Error> {
                while let Some(Readings) = items.next_element()? {}
                Ok(Telemetry)
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Readings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Readings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Readings, A::Error> {
                skip(map).map(|()| Readings)
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

fn skip<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn objects_are_telemetry() {
        for message in
            ["{}", r#"{"t":1}"#, r#"[{"ts":1,"values":{"t":1}}]"#, "[]", "\u{feff} {\"t\": null} ", r#""{\"t\":1}""#]
        {
            assert_eq!(check_telemetry(message.as_bytes()), Ok(()), "{message}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for message in ["1", "null", "true", "[1]", "[{},[]]", r#""1""#, r#""\"{}\"""#] {
            assert_eq!(check_telemetry(message.as_bytes()), Err(MessageError::NotTelemetry), "{message}");
        }
        for message in ["{", " ", "{}}", "[{}", "{a:1}", r#"{"a":1,}"#, r#""{"#, r#""{""#] {
            let refused = check_telemetry(message.as_bytes());
            assert!(matches!(refused, Err(MessageError::Malformed { .. })), "{message}: {refused:?}");
        }
        assert_eq!(check_telemetry(b""), Err(MessageError::Missing));
        assert_eq!(check_telemetry(b"\xff"), Err(MessageError::NotUtf8));
    }

    #[test]
    fn depth_does_not_exhaust_the_stack() {
        let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(check_telemetry(deep.as_bytes()), Ok(()));
        assert!(check_telemetry("[".repeat(100_000).as_bytes()).is_err());
        assert!(check_telemetry("{\"a\":".repeat(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = check_telemetry(&bytes);
        }

        #[test]
        fn a_text_around_it_changes_nothing(key in ".{0,8}", number: i64) {
            let message = json!([{key.as_str(): number}]).to_string();
            prop_assert_eq!(check_telemetry(message.as_bytes()), Ok(()));
            prop_assert_eq!(check_telemetry(Value::from(message).to_string().as_bytes()), Ok(()));
        }
    }
}
