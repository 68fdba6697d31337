//! What a device asks of the service. Nobody processes requests here, so each is answered at once.

use deed_domain::rate_limit::RateLimit;
use serde_json::{Map, Value, json};

use super::message_text::{MessageError, json_text};

/// The request by which SDKs ask how much they may send.
const GET_SESSION_LIMITS: &str = "getSessionLimits";
/// What a session may have sent before it is answered.
const MAX_IN_FLIGHT: u32 = 100;

/// The answer to a request of a device whose messages may have `max_payload` bytes, and of which it may send as many as
/// `messages` says; that there is no limit is told by null, and an unknown method as such.
///
/// # Errors
/// [`MessageError`] if it is no request.
pub fn answer(message: &[u8], max_payload: usize, messages: Option<&RateLimit>) -> Result<Value, MessageError> {
    let text = json_text(message)?;
    let request: Map<String, Value> =
        serde_json::from_str(&text).map_err(|error| MessageError::of(&error, MessageError::NoMethod))?;
    let method = request.get("method").and_then(Value::as_str).ok_or(MessageError::NoMethod)?;
    if method != GET_SESSION_LIMITS {
        return Ok(json!({"error": "unsupported"}));
    }
    let messages = messages.map(RateLimit::to_string);
    let limits = json!({"messages": messages, "telemetryMessages": messages, "telemetryDataPoints": null});
    Ok(json!({"maxPayloadSize": max_payload, "maxInflightMessages": MAX_IN_FLIGHT, "rateLimits": limits}))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limits_are_told_and_other_methods_are_unknown() {
        let limits = answer(br#"{"method":"getSessionLimits","params":{"timeout":5000}}"#, 7, None).unwrap();
        assert_eq!((&limits["maxPayloadSize"], &limits["rateLimits"]["messages"]), (&json!(7), &Value::Null));
        let limit = "10:1,300:60".parse().unwrap();
        let limits = answer(br#"{"method":"getSessionLimits"}"#, 7, Some(&limit)).unwrap();
        let told = json!({"messages": "10:1,300:60", "telemetryMessages": "10:1,300:60", "telemetryDataPoints": null});
        assert_eq!(limits["rateLimits"], told);
        for message in [r#"{"method":"x"}"#, r#"{"method":"","params":[]}"#, r#""{\"method\":\"x\"}""#] {
            assert_eq!(answer(message.as_bytes(), 7, None), Ok(json!({"error": "unsupported"})), "{message}");
        }
    }

    #[test]
    fn a_request_names_a_method() {
        for message in ["{}", "[]", "1", r#"{"method":null}"#, r#"{"method":1}"#] {
            assert_eq!(answer(message.as_bytes(), 7, None), Err(MessageError::NoMethod), "{message}");
        }
        assert!(matches!(answer(b"{", 7, None), Err(MessageError::Malformed { .. })));
        assert_eq!(answer(b"", 7, None), Err(MessageError::Missing));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = answer(&bytes, 7, None);
        }
    }
}
