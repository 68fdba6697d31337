//! Devices that add themselves: what they ask, and what they are answered (`docs/protocol.md`, provisioning).

use std::borrow::Cow;

use deed_domain::{
    credentials::{InvalidCredentials, NewCredentials},
    metadata::{Actor, Caller, Transport},
    ports::{AppendError, CredentialsKind, DeviceCredentials, DeviceToken},
    provisioning::{NotProvisioned, ProvisionRequest},
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::DeviceProtocol;

/// Most bytes of a request, as anybody may send one.
pub const MAX_PROVISION_REQUEST: usize = 65_536;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Why a request is not understood. Shows nothing of it, as it holds secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProvisionRequestError {
    /// It is no JSON.
    #[error("the request is not valid JSON at line {line}, column {column}")]
    Malformed {
        /// Where it stops making sense, from 1 on.
        line: usize,
        /// Where it stops making sense.
        column: usize,
    },
    /// It is JSON, but no object.
    #[error("the request must be a JSON object")]
    NotAnObject,
    /// There is none.
    #[error("the request is empty")]
    Empty,
    /// A member that it has to have is missing or null.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A member is no text.
    #[error("{0} must be a text")]
    NotAText(&'static str),
    /// There are no such credentials.
    #[error("credentialsType must be ACCESS_TOKEN, MQTT_BASIC or X509_CERTIFICATE")]
    UnknownCredentialsType,
    /// The flag is none.
    #[error("gateway must be true or false")]
    NotAFlag,
}

impl ProvisionRequestError {
    /// Whether it is an object, or nothing at all, of which something is missing or wrong; otherwise it cannot be read.
    pub const fn is_incomplete(&self) -> bool {
        !matches!(self, Self::Malformed { .. } | Self::NotAnObject)
    }
}

/// What a device is answered; its JSON is the same over every transport. It shows the device's secrets to it, and nothing
/// in `Debug`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionReply {
    #[serde(skip_serializing_if = "Option::is_none")]
    error_msg: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials_value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials_type: Option<&'static str>,
    status: ProvisionStatus,
}

/// What came of it, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProvisionStatus {
    /// The device has credentials.
    Success,
    /// No profile has that key and secret.
    NotFound,
    /// The profile does not allow it for this device.
    Failure,
}

/// Why a request is answered by the transport itself.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotAnswered {
    /// It is not understood.
    #[error(transparent)]
    Request(#[from] ProvisionRequestError),
    /// The store cannot answer; nothing was done.
    #[error(transparent)]
    NotStored(AppendError),
}

impl ProvisionReply {
    /// What came of it.
    pub const fn status(&self) -> ProvisionStatus {
        self.status
    }

    /// The JSON to send.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    const fn refused(status: ProvisionStatus, error_msg: &'static str) -> Self {
        Self { error_msg: Some(error_msg), credentials_value: None, credentials_type: None, status }
    }
}

impl std::fmt::Debug for ProvisionReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProvisionReply").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The token, the text of the certificate, or what the MQTT client connects with.
impl From<DeviceCredentials> for ProvisionReply {
    fn from(credentials: DeviceCredentials) -> Self {
        let value = credentials.credentials_value.as_ref().map(DeviceToken::expose).unwrap_or_default();
        let shown = match credentials.kind {
            CredentialsKind::AccessToken => credentials.credentials_id.expose().into(),
            CredentialsKind::MqttBasic => serde_json::from_str(value).unwrap_or_default(),
            CredentialsKind::X509Certificate => value.into(),
        };
        Self {
            error_msg: None,
            credentials_value: Some(shown),
            credentials_type: Some(credentials.kind.as_str()),
            status: ProvisionStatus::Success,
        }
    }
}

impl DeviceProtocol {
    /// A device adds itself, or fetches the credentials that were prepared for it.
    ///
    /// # Errors
    /// [`NotAnswered`]; whatever else is wrong stands in the reply.
    pub async fn provision(
        &self,
        transport: Transport,
        correlation_id: Cow<'static, str>,
        message: &[u8],
    ) -> Result<ProvisionReply, NotAnswered> {
        let request = read_provision_request(message);
        let outcome = |outcome: &'static str| {
            metrics::counter!("deed_provisions_total", "transport" => transport.as_str(), "outcome" => outcome)
                .increment(1);
        };
        let request = request.inspect_err(|_| outcome("malformed"))?;
        let caller = Caller { actor: Actor::System, transport, correlation_id, command_id: None };
        match self.provisioning.provision(&caller, request).await {
            Ok(credentials) => {
                outcome("provisioned");
                Ok(credentials.into())
            }
            Err(NotProvisioned::UnknownKey) => {
                outcome("unknown_key");
                Ok(ProvisionReply::refused(ProvisionStatus::NotFound, "Provision data was not found!"))
            }
            Err(NotProvisioned::Refused) => {
                outcome("refused");
                Ok(ProvisionReply::refused(ProvisionStatus::Failure, "Failed to provision device!"))
            }
            Err(NotProvisioned::NotStored(error)) => {
                outcome("not_stored");
                Err(NotAnswered::NotStored(error))
            }
        }
    }
}

/// Reads a request: strict JSON in UTF-8, a byte order mark skipped; numbers and booleans stand for their text.
///
/// # Errors
/// [`ProvisionRequestError`].
pub fn read_provision_request(message: &[u8]) -> Result<ProvisionRequest, ProvisionRequestError> {
    let message = message.strip_prefix(BYTE_ORDER_MARK).unwrap_or(message);
    if message.is_empty() {
        return Err(ProvisionRequestError::Empty);
    }
    let value = serde_json::from_slice(message)
        .map_err(|error| ProvisionRequestError::Malformed { line: error.line(), column: error.column() })?;
    let Value::Object(members) = value else { return Err(ProvisionRequestError::NotAnObject) };
    let required = |name| text(&members, name)?.ok_or(ProvisionRequestError::Missing(name));
    Ok(ProvisionRequest {
        key: required("provisionDeviceKey")?,
        secret: DeviceToken::new(required("provisionDeviceSecret")?),
        device_name: text(&members, "deviceName")?,
        credentials: credentials(&members)?,
        is_gateway: flag(&members, "gateway")?,
    })
}

/// What the device wants to authenticate with: nothing, whatever the type says, if it gives no part of it.
fn credentials(
    members: &Map<String, Value>,
) -> Result<Option<Result<NewCredentials, InvalidCredentials>>, ProvisionRequestError> {
    let kind = match text(members, "credentialsType")? {
        None => CredentialsKind::AccessToken,
        Some(word) => CredentialsKind::parse(&word).ok_or(ProvisionRequestError::UnknownCredentialsType)?,
    };
    let part = |name| Ok(text(members, name)?.filter(|part| !part.is_empty()).map(DeviceToken::new));
    let token: Option<DeviceToken> = part("token")?;
    let [client_id, user_name, password] = [part("clientId")?, part("username")?, part("password")?];
    let hash = part("hash")?;
    let parts = [&token, &client_id, &user_name, &password, &hash].map(Option::as_ref);
    if parts.iter().all(Option::is_none) {
        return Ok(None);
    }
    let [token, client_id, user_name, password, hash] = parts.map(|part| part.map(DeviceToken::expose));
    Ok(Some(match kind {
        CredentialsKind::AccessToken => NewCredentials::read(kind, token, None),
        CredentialsKind::MqttBasic => NewCredentials::mqtt_basic(client_id, user_name, password),
        CredentialsKind::X509Certificate => NewCredentials::unread_certificate(hash.unwrap_or_default()),
    }))
}

fn text(members: &Map<String, Value>, name: &'static str) -> Result<Option<String>, ProvisionRequestError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
        Some(Value::Array(_) | Value::Object(_)) => Err(ProvisionRequestError::NotAText(name)),
    }
}

fn flag(members: &Map<String, Value>, name: &'static str) -> Result<bool, ProvisionRequestError> {
    match text(members, name).map_err(|_| ProvisionRequestError::NotAFlag)?.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(ProvisionRequestError::NotAFlag),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(message: &Value) -> Result<ProvisionRequest, ProvisionRequestError> {
        read_provision_request(message.to_string().as_bytes())
    }

    fn with(more: &Value) -> Value {
        let mut message = json!({"provisionDeviceKey": "K", "provisionDeviceSecret": "S3CR3T"});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    }

    #[test]
    fn key_and_secret_are_enough() {
        let request = read(&with(&json!({}))).unwrap();
        assert_eq!((request.key.as_str(), request.secret.expose()), ("K", "S3CR3T"));
        assert!(request.device_name.is_none() && request.credentials.is_none() && !request.is_gateway);
        let shown = format!("{:?}", read(&with(&json!({"token": "S3CR3T", "password": "S3CR3T"}))));
        assert!(!shown.contains("S3CR3T"), "{shown}");
        let request = read(&with(&json!({"deviceName": "D", "gateway": true, "x": []}))).unwrap();
        assert!(request.device_name.as_deref() == Some("D") && request.is_gateway);
    }

    #[test]
    fn credentials_are_read_by_their_type() {
        let wanted = |more: Value| read(&with(&more)).map(|request| request.credentials);
        let kind = |more: Value| wanted(more).unwrap().unwrap().unwrap().kind();
        assert_eq!(kind(json!({"token": "t"})), CredentialsKind::AccessToken);
        assert_eq!(kind(json!({"credentialsType": "ACCESS_TOKEN", "token": 7})), CredentialsKind::AccessToken);
        let mqtt = json!({"credentialsType": "MQTT_BASIC", "username": "u", "password": "p", "clientId": "c"});
        assert_eq!(kind(mqtt), CredentialsKind::MqttBasic);
        assert_eq!(kind(json!({"credentialsType": "X509_CERTIFICATE", "hash": "h"})), CredentialsKind::X509Certificate);
        for kind in CredentialsKind::ALL {
            for nothing in [json!({}), json!({"token": "", "username": null, "hash": ""})] {
                let mut more = nothing;
                more["credentialsType"] = kind.as_str().into();
                assert_eq!(wanted(more), Ok(None));
            }
        }
        assert_eq!(wanted(json!({"username": "u"})), Ok(Some(Err(InvalidCredentials::NoId))));
        let unknown = wanted(json!({"credentialsType": "NONSENSE"}));
        assert_eq!(unknown, Err(ProvisionRequestError::UnknownCredentialsType));
    }

    #[test]
    fn what_is_missing_is_told_from_what_cannot_be_read() {
        for (message, error) in [
            ("", ProvisionRequestError::Empty),
            (r#"{"provisionDeviceSecret":"s"}"#, ProvisionRequestError::Missing("provisionDeviceKey")),
            (
                r#"{"provisionDeviceKey":"k","provisionDeviceSecret":null}"#,
                ProvisionRequestError::Missing("provisionDeviceSecret"),
            ),
            (r#"{"provisionDeviceKey":{}}"#, ProvisionRequestError::NotAText("provisionDeviceKey")),
        ] {
            assert_eq!(read_provision_request(message.as_bytes()).unwrap_err(), error);
            assert!(error.is_incomplete(), "{error}");
        }
        assert_eq!(read(&with(&json!({"gateway": "x"}))).unwrap_err(), ProvisionRequestError::NotAFlag);
        for message in ["[]", "null", "1", r#""{}""#] {
            let error = read_provision_request(message.as_bytes()).unwrap_err();
            assert_eq!(error, ProvisionRequestError::NotAnObject, "{message}");
            assert!(!error.is_incomplete());
        }
        for message in [&b"{"[..], b" ", b"{\"a\":\"\xff\"}", b"{}x"] {
            let error = read_provision_request(message).unwrap_err();
            assert!(matches!(error, ProvisionRequestError::Malformed { .. }) && !error.is_incomplete(), "{error}");
        }
    }

    #[test]
    fn replies_are_those_of_the_contract() {
        let json = ProvisionReply::refused(ProvisionStatus::NotFound, "Provision data was not found!").to_json();
        assert_eq!(json, r#"{"errorMsg":"Provision data was not found!","status":"NOT_FOUND"}"#);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = read_provision_request(&bytes);
        }

        #[test]
        fn no_text_is_lost_or_shown(key in ".{0,8}", secret in "[A-Z]{12}", name in ".{0,8}") {
            let message = json!({"deviceName": &name, "provisionDeviceKey": &key, "provisionDeviceSecret": &secret});
            let request = read(&message).unwrap();
            prop_assert_eq!((&request.key, request.device_name.as_ref()), (&key, Some(&name)));
            let shown = format!("{request:?}");
            prop_assert!(!shown.contains(&secret));
        }
    }
}
