//! What a command's caller consists of, apart from the person.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use deed_domain::{
    ids::{CommandId, UserId},
    metadata::{Actor, Caller, Transport},
};

use super::RequestId;
use crate::{error::ApiError, state::Shared};

/// The request as a command's origin: its id and, where the caller sent one, its idempotency key.
pub(crate) struct CommandContext {
    request_id: RequestId,
    operation: String,
    idempotency_key: Option<String>,
}

impl CommandContext {
    /// The caller, once the person is known. The idempotency key of one person never meets another's, nor that of
    /// another method or path.
    pub(crate) fn caller(self, user_id: UserId) -> Caller {
        let command_id = self.idempotency_key.map(|key| CommandId::derive(&user_id.to_string(), &self.operation, &key));
        Caller {
            actor: Actor::User(user_id),
            transport: Transport::Rest,
            correlation_id: self.request_id.as_str().to_owned().into(),
            command_id,
        }
    }
}

impl FromRequestParts<Shared> for CommandContext {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let request_id = RequestId::from_request_parts(parts, state).await?;
        let operation = format!("{} {}", parts.method, parts.uri.path());
        Ok(Self { request_id, operation, idempotency_key: idempotency_key(&parts.headers)? })
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| CommandId::is_key(key));
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key.to_owned())),
        _ => Err(ApiError::malformed("Idempotency-Key must be one value of 1 to 255 visible ASCII characters")),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const NAME: HeaderName = HeaderName::from_static("idempotency-key");

    #[test]
    fn a_key_is_one_visible_text() {
        let key = |text: &str| idempotency_key(&HeaderMap::from_iter([(NAME, HeaderValue::from_str(text).unwrap())]));
        assert_eq!(key("8e03978e-40d5").unwrap().as_deref(), Some("8e03978e-40d5"));
        assert!(idempotency_key(&HeaderMap::new()).unwrap().is_none());
        for text in ["", "a b", &"k".repeat(256)] {
            assert!(key(text).is_err(), "{text}");
        }
        let mut two = HeaderMap::new();
        two.append(NAME, HeaderValue::from_static("a"));
        two.append(NAME, HeaderValue::from_static("b"));
        assert!(idempotency_key(&two).is_err());
    }
}
