//! What all messages of a device have in common, the claim aside.

use std::borrow::Cow;

use super::claim_payload::BYTE_ORDER_MARK;

/// Why a message is not understood. Tells where, and shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// There is none.
    #[error("the message is missing")]
    Missing,
    /// It is no UTF-8.
    #[error("the message is not UTF-8")]
    NotUtf8,
    /// It is no JSON.
    #[error("the message is not valid JSON at line {line}, column {column}")]
    Malformed {
        /// Where it stops making sense, from 1 on.
        line: usize,
        /// Where it stops making sense.
        column: usize,
    },
    /// It is JSON that is no telemetry.
    #[error("telemetry must be a JSON object or an array of objects")]
    NotTelemetry,
    /// It is JSON that is no request.
    #[error("the request must be a JSON object that names a method")]
    NoMethod,
}

impl MessageError {
    /// The error for JSON that could not be read, which is `otherwise` if it is JSON of another shape.
    pub(super) fn of(error: &serde_json::Error, otherwise: Self) -> Self {
        if error.is_data() { otherwise } else { Self::Malformed { line: error.line(), column: error.column() } }
    }
}

/// The JSON of a message: a byte order mark is skipped, and what some clients put into a text is unwrapped once.
pub(super) fn json_text(message: &[u8]) -> Result<Cow<'_, str>, MessageError> {
    let text = str::from_utf8(message).map_err(|_| MessageError::NotUtf8)?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.is_empty() {
        return Err(MessageError::Missing);
    }
    if text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('"') {
        let inner: String =
            serde_json::from_str(text).map_err(|error| MessageError::of(&error, MessageError::Missing))?;
        return Ok(Cow::Owned(inner));
    }
    Ok(Cow::Borrowed(text))
}
