//! What a device authenticates with, checked, and under which id it is found (`docs/protocol.md`, credentials).
//!
//! The id of every kind but a token is computed here and nowhere else: it is a hash that clients and other servers of
//! the protocol compute, too, so it is a rule and no adapter's choice.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha3::{Digest, Sha3_256};
use zeroize::Zeroizing;

use crate::{
    certificate,
    ports::{CredentialsKind, DeviceToken},
};

/// Most bytes of a token, a client id, a user name or a password.
pub const LONGEST_CREDENTIAL: usize = 1_024;
/// Most bytes of a certificate.
pub const LONGEST_CERTIFICATE: usize = 65_536;

const PEM_LINES: [&str; 2] = ["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"];

/// Credentials that a device can be given. Shows no secret in `Debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredentials {
    kind: CredentialsKind,
    id: DeviceToken,
    value: Option<DeviceToken>,
}

/// Why credentials cannot be used. Shows nothing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredentials {
    /// A token is missing or empty.
    #[error("Device credentials id should be specified!")]
    NoId,
    /// MQTT credentials name neither a client nor a user.
    #[error("Both mqtt client id and user name are empty!")]
    NobodyNamed,
    /// A password belongs to a user name.
    #[error("Password cannot be specified along with client id")]
    PasswordWithoutUser,
    /// MQTT credentials are no JSON object of texts.
    #[error("Invalid credentials body for simple mqtt credentials!")]
    NotMqttBasic,
    /// There is no certificate, or more than one.
    #[error("Device credentials value should be a certificate!")]
    NoCertificate,
    /// A control character stands in them.
    #[error("Device credentials must not contain control characters!")]
    ControlCharacter,
    /// A part of them is too long.
    #[error("Device credentials are too long!")]
    TooLong,
}

impl InvalidCredentials {
    /// The stable code word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoId => "credentials_id_missing",
            Self::NobodyNamed => "mqtt_client_and_user_missing",
            Self::PasswordWithoutUser => "mqtt_password_without_user",
            Self::NotMqttBasic => "mqtt_credentials_malformed",
            Self::NoCertificate => "certificate_missing",
            Self::ControlCharacter => "credentials_control_character",
            Self::TooLong => "credentials_too_long",
        }
    }
}

/// MQTT credentials as they are stored and read back.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MqttBasic {
    pub(crate) client_id: Option<String>,
    pub(crate) user_name: Option<String>,
    pub(crate) password: Option<String>,
}

impl NewCredentials {
    /// Credentials of that kind: a token is its own `id`, the other kinds are in `value`.
    ///
    /// # Errors
    /// [`InvalidCredentials`].
    pub fn read(kind: CredentialsKind, id: Option<&str>, value: Option<&str>) -> Result<Self, InvalidCredentials> {
        match kind {
            CredentialsKind::AccessToken => Self::access_token(id.unwrap_or_default()),
            CredentialsKind::MqttBasic => Self::mqtt_basic_json(value.unwrap_or_default()),
            CredentialsKind::X509Certificate => Self::certificate(value.unwrap_or_default()),
        }
    }

    /// A token as it is.
    ///
    /// # Errors
    /// [`InvalidCredentials`] if it is empty, too long or has control characters.
    pub fn access_token(token: &str) -> Result<Self, InvalidCredentials> {
        if token.is_empty() {
            return Err(InvalidCredentials::NoId);
        }
        check(token, LONGEST_CREDENTIAL)?;
        Ok(Self { kind: CredentialsKind::AccessToken, id: DeviceToken::new(token), value: None })
    }

    /// A token that the service made.
    pub(crate) const fn made_token(token: DeviceToken) -> Self {
        Self { kind: CredentialsKind::AccessToken, id: token, value: None }
    }

    /// What an MQTT client connects with; an empty part is the same as none. Found by the user name, or else by the
    /// SHA3-256 of the client id, or of both with `|` between them.
    ///
    /// # Errors
    /// [`InvalidCredentials`] if neither client nor user is named, or a client with a password and no user.
    pub fn mqtt_basic(
        client_id: Option<&str>,
        user_name: Option<&str>,
        password: Option<&str>,
    ) -> Result<Self, InvalidCredentials> {
        let [client_id, user_name, password] =
            [client_id, user_name, password].map(|part| part.filter(|part| !part.is_empty()));
        for part in [client_id, user_name, password].into_iter().flatten() {
            check(part, LONGEST_CREDENTIAL)?;
        }
        let id = match (client_id, user_name) {
            (None, None) => return Err(InvalidCredentials::NobodyNamed),
            (Some(_), None) if password.is_some() => return Err(InvalidCredentials::PasswordWithoutUser),
            (None, Some(user_name)) => user_name.to_owned(),
            (Some(client_id), None) => sha3_256(&[client_id]),
            (Some(client_id), Some(user_name)) => sha3_256(&[client_id, "|", user_name]),
        };
        let owned = |part: Option<&str>| part.map(str::to_owned);
        let parts = MqttBasic { client_id: owned(client_id), user_name: owned(user_name), password: owned(password) };
        // Three texts always have a JSON form.
        let value = serde_json::to_string(&parts).map_err(|_| InvalidCredentials::NotMqttBasic)?;
        wipe(parts);
        Ok(Self { kind: CredentialsKind::MqttBasic, id: DeviceToken::new(id), value: Some(DeviceToken::new(value)) })
    }

    /// The same, as the JSON object in which clients send it. Unknown members mean nothing; numbers and booleans stand
    /// for their text.
    ///
    /// # Errors
    /// As [`NewCredentials::mqtt_basic`], and [`InvalidCredentials::NotMqttBasic`].
    pub fn mqtt_basic_json(text: &str) -> Result<Self, InvalidCredentials> {
        let Ok(Value::Object(members)) = serde_json::from_str(text) else {
            return Err(InvalidCredentials::NotMqttBasic);
        };
        let part = |name: &str| match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(Zeroizing::new(text.clone()))),
            Some(Value::Number(number)) => Ok(Some(Zeroizing::new(number.to_string()))),
            Some(Value::Bool(flag)) => Ok(Some(Zeroizing::new(flag.to_string()))),
            Some(Value::Array(_) | Value::Object(_)) => Err(InvalidCredentials::NotMqttBasic),
        };
        let (client_id, user_name, password) = (part("clientId")?, part("userName")?, part("password")?);
        let text = Option::as_ref;
        let [client_id, user_name, password] =
            [text(&client_id), text(&user_name), text(&password)].map(|part| part.map(|part| part.as_str()));
        Self::mqtt_basic(client_id, user_name, password)
    }

    /// One certificate, in PEM or in the base64 that stands there. What is kept is that base64 in one line; found by the
    /// SHA3-256 of it.
    ///
    /// # Errors
    /// [`InvalidCredentials`] if it is no certificate, more than one, or too long.
    pub fn certificate(text: &str) -> Result<Self, InvalidCredentials> {
        if text.len() > LONGEST_CERTIFICATE {
            return Err(InvalidCredentials::TooLong);
        }
        let body = certificate::base64_of(text).ok_or(InvalidCredentials::NoCertificate)?;
        Ok(Self::of_certificate(body))
    }

    /// What a device that adds itself calls its certificate, read or not: it may be cut short. Without the first and the
    /// last line of PEM it is kept in one line; found by the SHA3-256 of that.
    ///
    /// # Errors
    /// [`InvalidCredentials`] if nothing stands there, too much, or control characters.
    pub fn unread_certificate(pem: &str) -> Result<Self, InvalidCredentials> {
        if pem.len() > LONGEST_CERTIFICATE {
            return Err(InvalidCredentials::TooLong);
        }
        let body = PEM_LINES.iter().fold(pem.replace(['\n', '\r'], ""), |body, line| body.replace(line, ""));
        // Lines that stood within others make none, or what is kept would be read as something else.
        if body.trim().is_empty() || PEM_LINES.iter().any(|line| body.contains(line)) {
            return Err(InvalidCredentials::NoCertificate);
        }
        check(&body, LONGEST_CERTIFICATE)?;
        Ok(Self::of_certificate(body))
    }

    fn of_certificate(body: String) -> Self {
        let id = DeviceToken::new(sha3_256(&[&body]));
        Self { kind: CredentialsKind::X509Certificate, id, value: Some(DeviceToken::new(body)) }
    }

    /// What they are.
    pub const fn kind(&self) -> CredentialsKind {
        self.kind
    }

    /// Unique on the platform, whatever the kind.
    pub const fn id(&self) -> &DeviceToken {
        &self.id
    }

    /// What further belongs to them.
    pub const fn value(&self) -> Option<&DeviceToken> {
        self.value.as_ref()
    }
}

fn check(text: &str, longest: usize) -> Result<(), InvalidCredentials> {
    if text.len() > longest {
        Err(InvalidCredentials::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(InvalidCredentials::ControlCharacter)
    } else {
        Ok(())
    }
}

/// The hash of the parts, one after another, in small hexadecimal digits.
pub(crate) fn sha3_256(parts: &[&str]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = parts.iter().fold(Sha3_256::new(), |hash, part| hash.chain_update(part)).finalize();
    let digits = |byte: &u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]].map(char::from);
    digest.iter().flat_map(digits).collect()
}

/// Takes the parts and leaves nothing of them in memory.
pub(crate) fn wipe(parts: MqttBasic) {
    drop([parts.client_id, parts.user_name, parts.password].map(|part| part.map(Zeroizing::new)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(new: &Result<NewCredentials, InvalidCredentials>) -> (&str, &str, Option<&str>) {
        let new = new.as_ref().unwrap();
        (new.kind().as_str(), new.id().expose(), new.value().map(DeviceToken::expose))
    }

    #[test]
    fn a_token_is_its_own_id() {
        assert_eq!(shown(&NewCredentials::access_token("A1 <b>ü")), ("ACCESS_TOKEN", "A1 <b>ü", None));
        assert_eq!(NewCredentials::access_token(""), Err(InvalidCredentials::NoId));
        for token in ["a\u{0}b", "a\n", "\u{85}"] {
            assert_eq!(NewCredentials::access_token(token), Err(InvalidCredentials::ControlCharacter));
        }
        assert!(NewCredentials::access_token(&"x".repeat(1_024)).is_ok());
        assert_eq!(NewCredentials::access_token(&"x".repeat(1_025)), Err(InvalidCredentials::TooLong));
    }

    /// The hashes are those of `hashlib.sha3_256` in Python.
    #[test]
    fn mqtt_credentials_are_found_by_what_they_name() {
        let user = NewCredentials::mqtt_basic_json(r#"{"userName": "u", "password": "p"}"#);
        assert_eq!(shown(&user), ("MQTT_BASIC", "u", Some(r#"{"clientId":null,"userName":"u","password":"p"}"#)));
        let client = NewCredentials::mqtt_basic_json(r#"{"clientId": "c", "more": []}"#);
        assert_eq!(shown(&client).1, "263ab762270d3b73d3e2cddf9acc893bb6bd41110347e5d5e4bd1d3c128ea90a");
        assert_eq!(shown(&client).2, Some(r#"{"clientId":"c","userName":null,"password":null}"#));
        let all = NewCredentials::mqtt_basic(Some("c"), Some("u"), Some("p"));
        assert_eq!(shown(&all).1, "29cd886b96af386fd43e35097f8228b97209711642b8b65ebf118b288accb0ea");
        let both = NewCredentials::mqtt_basic(Some("c"), Some("u"), Some(""));
        assert_eq!(shown(&both).2, Some(r#"{"clientId":"c","userName":"u","password":null}"#));
        assert_eq!(shown(&NewCredentials::mqtt_basic_json(r#"{"userName":7}"#)).1, "7");
    }

    #[test]
    fn the_hash_is_the_standards() {
        assert_eq!(sha3_256(&[]), "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
        assert_eq!(sha3_256(&["a", "bc"]), "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
    }

    #[test]
    fn mqtt_credentials_that_cannot_be_are_refused() {
        for (text, why) in [
            ("{}", InvalidCredentials::NobodyNamed),
            (r#"{"clientId":"","userName":"","password":"p"}"#, InvalidCredentials::NobodyNamed),
            (r#"{"clientId":"c","password":"p"}"#, InvalidCredentials::PasswordWithoutUser),
            ("", InvalidCredentials::NotMqttBasic),
            ("rubbish", InvalidCredentials::NotMqttBasic),
            ("null", InvalidCredentials::NotMqttBasic),
            ("[]", InvalidCredentials::NotMqttBasic),
            (r#"{"userName":["u"]}"#, InvalidCredentials::NotMqttBasic),
            (r#"{"userName":"u\u0000"}"#, InvalidCredentials::ControlCharacter),
            (r#"{"userName":"u","password":"\n"}"#, InvalidCredentials::ControlCharacter),
        ] {
            assert_eq!(NewCredentials::mqtt_basic_json(text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_certificate_is_found_by_the_hash_of_its_body() {
        let pem = "-----BEGIN CERTIFICATE-----\r\nMAgwADAA\nAwIAAQ==\n-----END CERTIFICATE-----\n";
        let certificate = NewCredentials::certificate(pem);
        let id = "4f3db2eb8426eed2499f2355f9df609f128694793c9e02e5b316edc1ddf85488";
        assert_eq!(shown(&certificate), ("X509_CERTIFICATE", id, Some("MAgwADAAAwIAAQ==")));
        assert_eq!(certificate, NewCredentials::certificate("MAgwADAAAwIAAQ=="));
        assert_eq!(certificate, NewCredentials::unread_certificate(pem));
        assert_eq!(NewCredentials::certificate("TUlJQg=="), Err(InvalidCredentials::NoCertificate));
        assert_eq!(NewCredentials::certificate(&"x".repeat(65_537)), Err(InvalidCredentials::TooLong));
    }

    #[test]
    fn a_device_may_call_anything_its_certificate() {
        let pem = "-----BEGIN CERTIFICATE-----\r\nTUlJ\nQg==\n-----END CERTIFICATE-----\n";
        let certificate = NewCredentials::unread_certificate(pem);
        let id = "ad3ebf2357879c8f6fc844dd0249e91333621352c58c3e8bfab49a628510d523";
        assert_eq!(shown(&certificate), ("X509_CERTIFICATE", id, Some("TUlJQg==")));
        let nested = "TUlJ-----END CERT-----END CERTIFICATE-----IFICATE-----";
        for pem in ["", "\n", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", nested] {
            assert_eq!(NewCredentials::unread_certificate(pem), Err(InvalidCredentials::NoCertificate), "{pem:?}");
        }
        assert_eq!(NewCredentials::unread_certificate("a\tb"), Err(InvalidCredentials::ControlCharacter));
        assert_eq!(NewCredentials::unread_certificate(&"x".repeat(65_537)), Err(InvalidCredentials::TooLong));
    }

    #[test]
    fn nothing_is_shown() {
        let new = NewCredentials::mqtt_basic(None, Some("S3CR3T"), Some("S3CR3T"));
        assert!(!format!("{new:?}").contains("S3CR3T"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_kept_is_read_the_same_again(text in "(?s).{0,80}") {
            for kind in CredentialsKind::ALL {
                if let Ok(new) = NewCredentials::read(kind, Some(&text), Some(&text)) {
                    let value = new.value().map(DeviceToken::expose);
                    prop_assert_eq!(&NewCredentials::read(kind, Some(new.id().expose()), value).unwrap(), &new);
                }
            }
        }

        #[test]
        fn mqtt_credentials_are_read_the_same_again(parts in [".{0,8}", ".{0,8}", ".{0,8}"]) {
            let [client_id, user_name, password] = &parts;
            if let Ok(new) = NewCredentials::mqtt_basic(Some(client_id), Some(user_name), Some(password)) {
                let value = new.value().map(DeviceToken::expose);
                prop_assert_eq!(NewCredentials::read(CredentialsKind::MqttBasic, None, value), Ok(new));
            }
        }
    }
}
