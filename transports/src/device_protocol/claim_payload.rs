//! What a device sends to register a claim key (`docs/protocol.md`, device API).

use std::fmt;

use deed_domain::{claim_key::ClaimKey, ports::PayloadEncoding};
use prost::Message;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::protobuf::ClaimDevice;

/// Most bytes of a claim payload.
pub const MAX_CLAIM_PAYLOAD: usize = 65_536;

pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// A registration as the device asks for it.
#[derive(Clone, Debug)]
pub struct ClaimPayload {
    /// The key; empty if the payload names none.
    pub key: ClaimKey,
    /// How long the key is to live, milliseconds; zero or less asks for the installation's default.
    pub duration_ms: i64,
}

/// The empty key for the installation's default duration.
impl Default for ClaimPayload {
    fn default() -> Self {
        Self { key: ClaimKey::new(""), duration_ms: 0 }
    }
}

impl From<ClaimDevice> for ClaimPayload {
    fn from(message: ClaimDevice) -> Self {
        Self { key: ClaimKey::new(message.secret_key), duration_ms: message.duration_ms }
    }
}

/// Why a payload is not understood. Tells where, and never shows what was sent, as it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// It is no UTF-8.
    #[error("the claim payload is not UTF-8")]
    NotUtf8,
    /// It is no JSON.
    #[error("the claim payload is not valid JSON at line {line}, column {column}")]
    Malformed {
        /// Where it stops making sense, from 1 on.
        line: usize,
        /// Where it stops making sense.
        column: usize,
    },
    /// It is JSON, but no object.
    #[error("the claim payload must be a JSON object")]
    NotAnObject,
    /// The key is null, an array, an object or a broken text.
    #[error("secretKey must be a text, a number or a boolean")]
    BadSecretKey,
    /// The duration is no whole number and no text of one.
    #[error("durationMs must be a number of milliseconds")]
    BadDuration,
    /// It is not the Protobuf message.
    #[error("the claim payload is not the Protobuf message ClaimDevice")]
    NotProtobuf,
}

/// Reads a payload as the device writes it; nothing at all stands for both defaults in each encoding.
///
/// JSON as [`parse`] reads it, but a text that holds an object is none. In Protobuf, a member of another wire type than it
/// should have is no message, and not the default.
///
/// # Errors
/// [`PayloadError`] if it cannot be read; then nothing may be registered.
pub fn read(encoding: PayloadEncoding, payload: &[u8]) -> Result<ClaimPayload, PayloadError> {
    match encoding {
        PayloadEncoding::Json => read_json(payload),
        PayloadEncoding::Protobuf => read_protobuf(payload),
        PayloadEncoding::ProtobufOrJson => read_protobuf(payload).or_else(|_| read_json(payload)),
    }
}

fn read_protobuf(payload: &[u8]) -> Result<ClaimPayload, PayloadError> {
    ClaimDevice::decode(payload).map(ClaimPayload::from).map_err(|_| PayloadError::NotProtobuf)
}

fn read_json(payload: &[u8]) -> Result<ClaimPayload, PayloadError> {
    let text = text(payload)?;
    if text.is_empty() { Ok(ClaimPayload::default()) } else { object(text) }
}

/// Reads a payload that came over HTTP: nothing at all, an object, or a text that holds an object, as one published
/// client sends it there.
///
/// Strict JSON in UTF-8, a byte order mark skipped. Of members that come twice the last one counts; unknown ones are
/// ignored. A number or boolean as key stands for its text as it was written.
///
/// # Errors
/// [`PayloadError`] if it cannot be read; then nothing may be registered.
pub fn parse(payload: &[u8]) -> Result<ClaimPayload, PayloadError> {
    let text = text(payload)?;
    if text.is_empty() {
        return Ok(ClaimPayload::default());
    }
    match first_character(text) {
        Some('"') => object(&serde_json::from_str::<String>(text)?),
        _ => object(text),
    }
}

fn text(payload: &[u8]) -> Result<&str, PayloadError> {
    let text = str::from_utf8(payload).map_err(|_| PayloadError::NotUtf8)?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))
}

pub(super) fn object(text: &str) -> Result<ClaimPayload, PayloadError> {
    if first_character(text) != Some('{') {
        serde_json::from_str::<IgnoredAny>(text)?;
        return Err(PayloadError::NotAnObject);
    }
    let members: Members<'_> = serde_json::from_str(text)?;
    Ok(ClaimPayload {
        key: members.secret_key.map_or_else(|| Ok(ClaimKey::new("")), key)?,
        duration_ms: members.duration_ms.map_or(Ok(0), duration)?,
    })
}

pub(super) fn first_character(text: &str) -> Option<char> {
    text.chars().find(|c| !matches!(c, ' ' | '\t' | '\n' | '\r'))
}

fn key(value: &RawValue) -> Result<ClaimKey, PayloadError> {
    let key = if value.get() == "null" { None } else { ClaimKey::from_json(value) };
    key.ok_or(PayloadError::BadSecretKey)
}

fn duration(value: &RawValue) -> Result<i64, PayloadError> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(text).map_err(|_| PayloadError::BadDuration)?;
            whole(&text).ok_or(PayloadError::BadDuration)
        }
        Some(b'-' | b'0'..=b'9') => match whole(text) {
            Some(duration) => Ok(duration),
            // A fraction or an exponent: `as` drops the fraction and stays within the range.
            None => text.parse::<f64>().map(|float| float as i64).map_err(|_| PayloadError::BadDuration),
        },
        _ => Err(PayloadError::BadDuration),
    }
}

/// The whole number that the text is; what lies beyond the range ends there.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let end = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(text.parse().unwrap_or(end))
}

/// The members that mean something, as they were written; checked once it is known which of a name is the last.
#[derive(Default)]
struct Members<'a> {
    secret_key: Option<&'a RawValue>,
    duration_ms: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Member {
    SecretKey,
    DurationMs,
    #[serde(other)]
    Unknown,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members::default();
                while let Some(member) = map.next_key()? {
                    match member {
                        Member::SecretKey => members.secret_key = Some(map.next_value()?),
                        Member::DurationMs => members.duration_ms = Some(map.next_value()?),
                        Member::Unknown => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

impl From<serde_json::Error> for PayloadError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed { line: error.line(), column: error.column() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn parsed(payload: impl AsRef<[u8]>) -> Result<(String, i64), PayloadError> {
        parse(payload.as_ref()).map(|payload| (payload.key.expose().to_owned(), payload.duration_ms))
    }

    fn read_as(encoding: PayloadEncoding, payload: impl AsRef<[u8]>) -> Result<(String, i64), PayloadError> {
        read(encoding, payload.as_ref()).map(|payload| (payload.key.expose().to_owned(), payload.duration_ms))
    }

    fn payload(key: &str, duration_ms: i64) -> Result<(String, i64), PayloadError> {
        Ok((key.to_owned(), duration_ms))
    }

    #[test]
    fn what_is_missing_has_a_default() {
        for body in ["", "{}", " { } ", "\u{feff}", "\u{feff}{}", r#""{}""#] {
            assert_eq!(parsed(body), payload("", 0), "{body}");
        }
        assert_eq!(parsed(r#"{"secretKey":"k"}"#), payload("k", 0));
        assert_eq!(parsed(r#"{"durationMs":5}"#), payload("", 5));
    }

    #[test]
    fn a_key_is_taken_as_it_was_written() {
        for (key, text) in [
            (r#""a\u0041\n""#, "aA\n"),
            (r#""""#, ""),
            (r#""ü😀""#, "ü😀"),
            ("1.50", "1.50"),
            ("-0", "-0"),
            ("6e4", "6e4"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("true", "true"),
            ("false", "false"),
        ] {
            assert_eq!(parsed(format!(r#"{{"secretKey": {key} }}"#)), payload(text, 0), "{key}");
        }
        for key in ["null", "[]", r#"["k"]"#, "{}", r#""\ud800""#] {
            assert_eq!(parsed(format!(r#"{{"secretKey":{key}}}"#)), Err(PayloadError::BadSecretKey), "{key}");
        }
    }

    #[test]
    fn durations_are_whole_milliseconds() {
        for (duration, ms) in [
            ("60000", 60_000),
            (r#""60000""#, 60_000),
            (r#""-5""#, -5),
            ("6e4", 60_000),
            ("60000.9", 60_000),
            ("-0.9", 0),
            ("0", 0),
            ("9223372036854775807", i64::MAX),
            ("9223372036854775808", i64::MAX),
            (r#""9223372036854775808""#, i64::MAX),
            ("-99999999999999999999", i64::MIN),
            ("1e999", i64::MAX),
            ("-1e999", i64::MIN),
        ] {
            assert_eq!(parsed(format!(r#"{{"durationMs":{duration}}}"#)), payload("", ms), "{duration}");
        }
        for duration in
            ["null", r#""""#, r#""abc""#, r#""60000.9""#, r#""6e4""#, r#"" 5""#, r#""-""#, "true", "[]", "[5]", "{}"]
        {
            let body = format!(r#"{{"durationMs":{duration}}}"#);
            assert_eq!(parsed(body), Err(PayloadError::BadDuration), "{duration}");
        }
    }

    #[test]
    fn the_last_of_a_name_counts_and_unknown_names_do_not() {
        assert_eq!(parsed(r#"{"secretKey":null,"durationMs":[],"secretKey":"b","durationMs":2}"#), payload("b", 2));
        assert_eq!(parsed(r#"{"x":{"secretKey":"a"},"SecretKey":"c","secretKey":"b","y":[1,null]}"#), payload("b", 0));
        assert_eq!(parsed(r#"{"secretKey":"a","secretKey":null}"#), Err(PayloadError::BadSecretKey));
        assert_eq!(parsed(r#"{"secret\u004bey":"k"}"#), payload("k", 0));
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        for body in ["[]", "null", "1", "true", r#"[{"secretKey":"k"}]"#, r#""1""#, r#""[]""#, r#""\"{}\"""#] {
            assert_eq!(parsed(body), Err(PayloadError::NotAnObject), "{body}");
        }
        for body in [
            " ",
            "\n",
            r#""""#,
            r#"" ""#,
            "{",
            "}",
            "{}}",
            "{} x",
            "{,}",
            r#"{"a":1,}"#,
            r#"{"a":}"#,
            "{a:1}",
            "{'a':1}",
            r#"{"a":01}"#,
            r#"{"a":1 "b":2}"#,
            "// {}\n{}",
            "\u{feff}\u{feff}{}",
            "k",
            r#""{"#,
            r#""{""#,
            r#"{"a":"\x"}"#,
            r#"{"secretKey":"a":"b"}"#,
        ] {
            assert!(matches!(parsed(body), Err(PayloadError::Malformed { .. })), "{body}");
        }
        assert_eq!(parsed(b"{\"secretKey\":\"\xff\"}"), Err(PayloadError::NotUtf8));
        assert_eq!(parsed(b"{\0}\xc3\x28"), Err(PayloadError::NotUtf8));
    }

    #[test]
    fn a_text_around_the_object_is_read_over_http_alone() {
        let text = r#""{\"secretKey\":\"k\"}""#;
        assert_eq!(parsed(text), payload("k", 0));
        assert_eq!(read_as(PayloadEncoding::Json, text), Err(PayloadError::NotAnObject));
    }

    #[test]
    fn protobuf_is_read_by_its_fields() {
        let key = |key: &str| [&[0x0a, u8::try_from(key.len()).unwrap()], key.as_bytes()].concat();
        let of = |bytes: &[u8]| read_as(PayloadEncoding::Protobuf, bytes);
        assert_eq!(of(b""), payload("", 0));
        assert_eq!(of(&[&key("k"), &[0x10, 0xe0, 0xd4, 0x03][..]].concat()), payload("k", 60_000));
        assert_eq!(of(&[0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), payload("", -1));
        assert_eq!(of(&[key("a"), vec![0x48, 0x01], key("b")].concat()), payload("b", 0), "the last counts");
        for (bytes, what) in [
            (&[0x08, 0x05][..], "a number as key"),
            (&[0x12, 0x01, b'5'], "a text as duration"),
            (&[0x0a, 0x05, b'k'], "cut off"),
            (&[0x0a, 0x01, 0xff], "no UTF-8"),
            (&[0xff, 0xff, 0xff], "garbage"),
            (b"{\"secretKey\":\"k\"}", "JSON"),
        ] {
            assert_eq!(of(bytes), Err(PayloadError::NotProtobuf), "{what}");
        }
    }

    #[test]
    fn json_is_taken_where_the_profile_allows_it() {
        let both = PayloadEncoding::ProtobufOrJson;
        assert_eq!(read_as(both, r#"{"secretKey":"k"}"#), payload("k", 0));
        assert_eq!(read_as(both, [0x0a, 0x01, b'k']), payload("k", 0));
        assert_eq!(read_as(both, ""), payload("", 0));
        assert_eq!(read_as(both, r#"{"secretKey":null}"#), Err(PayloadError::BadSecretKey));
    }

    #[test]
    fn depth_does_not_exhaust_the_stack() {
        let deep = format!(r#"{{"x":{}{},"secretKey":"k"}}"#, "[".repeat(30_000), "]".repeat(30_000));
        assert_eq!(parsed(&deep), payload("k", 0));
        assert!(parsed("[".repeat(MAX_CLAIM_PAYLOAD)).is_err());
        assert!(parsed("{\"a\":".repeat(10_000)).is_err());
    }

    /// The rules once more, on a decoded document. It leaves numbers with a fraction to the examples above, as a
    /// decoded one has lost how it was written.
    fn expected(document: &Value) -> Result<(String, i64), PayloadError> {
        let members = document.as_object().ok_or(PayloadError::NotAnObject)?;
        let key = match members.get("secretKey") {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(_) => return Err(PayloadError::BadSecretKey),
        };
        let duration_ms = match members.get("durationMs") {
            None => 0,
            Some(Value::Number(number)) => number.as_i64().unwrap_or(i64::MAX),
            Some(Value::String(text)) => text.parse().map_err(|_| PayloadError::BadDuration)?,
            Some(_) => return Err(PayloadError::BadDuration),
        };
        Ok((key, duration_ms))
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(|number| Value::from(number.to_string())),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-c]{1,2}", inner, 0..4).prop_map(Value::from_iter),
            ]
        })
    }

    fn any_document() -> impl Strategy<Value = Value> {
        let name = prop_oneof![Just("secretKey"), Just("durationMs"), Just("other"), Just("secretkey")];
        prop_oneof![
            4 => prop::collection::hash_map(name, any_value(), 0..4).prop_map(|map| json!(map)),
            1 => any_value().prop_filter("texts have a rule of their own", |value| !value.is_string()),
        ]
    }

    proptest! {
        #[test]
        fn every_document_is_read_as_the_rules_say(document in any_document()) {
            prop_assert_eq!(parsed(document.to_string()), expected(&document));
            prop_assert_eq!(parsed(format!("{document:#}")), expected(&document));
        }

        #[test]
        fn a_text_around_an_object_changes_nothing(document in any_document()) {
            prop_assert_eq!(parsed(Value::from(document.to_string()).to_string()), expected(&document));
        }

        #[test]
        fn every_protobuf_message_is_read_as_it_was_written(key in ".{0,40}", duration_ms: i64, unknown: u32) {
            let message = ClaimDevice { secret_key: key.clone(), duration_ms };
            let shown = format!("{message:?}");
            prop_assert!(!shown.contains("secret_key"));
            let mut bytes = message.encode_to_vec();
            bytes.extend([0x78 | 0x80, 0x01]);
            prost::encoding::encode_varint(unknown.into(), &mut bytes);
            prop_assert_eq!(read_as(PayloadEncoding::Protobuf, &bytes), payload(&key, duration_ms));
            prop_assert_eq!(read_as(PayloadEncoding::ProtobufOrJson, &bytes), payload(&key, duration_ms));
        }

        #[test]
        fn the_fallback_reads_what_either_reads(document in any_document(), bytes: Vec<u8>) {
            for bytes in [document.to_string().into_bytes(), bytes] {
                let [json, protobuf, both] = [PayloadEncoding::Json, PayloadEncoding::Protobuf, PayloadEncoding::ProtobufOrJson]
                    .map(|encoding| read_as(encoding, &bytes));
                prop_assert_eq!(protobuf.or(json), both);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_text_near_json_makes_it_panic(text in r#"[\[\]{}":,.0-9eE+\-\\ua-f tsecrKyduaionM\n]{0,80}"#) {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn a_cut_off_payload_is_refused_and_not_shown(key in "[A-Z]{8,16}", cut in 1..20_usize) {
            let whole = format!(r#"{{"durationMs":60000,"secretKey":"{key}"}}"#);
            let cut = &whole[..whole.len() - cut.min(whole.len() - 1)];
            let error = parse(cut.as_bytes()).expect_err("an object without its end");
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains(&key), "{}", shown);
        }
    }
}
