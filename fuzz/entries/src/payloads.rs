//! Payloads that register a claim key.

use deed_domain::{
    claims::{ClaimingData, is_allowed},
    device::KeySlot,
};
use deed_transports::device_protocol::{PayloadError, parse};
use serde_json::Value;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A device's claim payload: means the same with blanks around it and as a text around the object, and shows no key.
pub fn claim_payload(input: &[u8]) -> bool {
    let meaning = meaning_of(input);
    let Ok(text) = str::from_utf8(input) else {
        assert_eq!(meaning, Err(PayloadError::NotUtf8));
        return false;
    };
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if !text.is_empty() {
        assert_eq!(meaning_of(&[input, b" \n"].concat()).ok(), meaning.clone().ok(), "blanks mean nothing");
    }
    if text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        let wrapped = Value::from(text).to_string();
        assert_eq!(meaning_of(wrapped.as_bytes()), meaning, "a text around an object changes nothing");
    }
    meaning.is_ok()
}

/// The key and the duration.
fn meaning_of(payload: &[u8]) -> Result<(String, i64), PayloadError> {
    let payload = parse(payload)?;
    let shown = format!("{payload:?}");
    let expected = format!("ClaimPayload {{ key: ClaimKey(***), duration_ms: {} }}", payload.duration_ms);
    assert_eq!(shown, expected, "the key is not shown");
    Ok((payload.key.expose().to_owned(), payload.duration_ms))
}

/// The value of a claiming attribute: JSON, or else a text. An object means the same inside a text.
pub fn claiming_data(input: &[u8]) -> bool {
    let value = match (serde_json::from_slice::<Value>(input), str::from_utf8(input)) {
        (Ok(value), _) => value,
        (Err(_), Ok(text)) => Value::from(text),
        (Err(_), Err(_)) => return false,
    };
    assert!(!is_allowed(&value) || !(value.is_object() || value.is_array() || value.is_null()));
    let read = |value: &Value| {
        let data = ClaimingData::parse(&value.to_string()).ok()?;
        Some((data.key.expose().to_owned(), data.expires_at, data.form))
    };
    let data = read(&value);
    if value.is_object() {
        let inside_a_text = read(&Value::from(value.to_string()));
        let expected = data.clone().map(|(key, expires_at, _)| (key, expires_at, KeySlot::AttributeText));
        assert_eq!(inside_a_text, expected, "both forms mean the same");
    }
    data.is_some()
}
