//! Credentials as a client wants to save them, read and checked.

use deed_domain::{
    credentials::NewCredentials,
    ids::{CredentialsId, DeviceId},
    ports::{CredentialsKind, DeviceToken},
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{error::ApiError, extract::JsonObject};

/// The kind that the protocol knows and nobody here speaks.
const LWM2M: &str = "LWM2M_CREDENTIALS";

/// Credentials to save.
#[derive(Debug, ToSchema)]
#[schema(as = CredentialsToSave, rename_all = "camelCase")]
pub(in crate::endpoints) struct Draft {
    /// The record that is saved, as it was read.
    #[schema(value_type = DraftId)]
    pub(super) id: Option<CredentialsId>,
    /// Whose they are.
    #[schema(value_type = DraftId)]
    pub(super) device_id: Option<DeviceId>,
    /// The version that the client saw; missing or null overwrites.
    pub(super) version: Option<i64>,
    /// `ACCESS_TOKEN`, `MQTT_BASIC` or `X509_CERTIFICATE`.
    #[schema(value_type = String, example = "ACCESS_TOKEN")]
    credentials_type: Option<CredentialsKind>,
    /// A token; of the other kinds it is computed.
    #[schema(value_type = Option<String>, example = "A1B2C3D4E5F6G7H8I9J0", max_length = 1024)]
    credentials_id: Option<DeviceToken>,
    /// For `MQTT_BASIC` a JSON object in a text, with `clientId`, `userName` and `password`; a certificate in PEM.
    #[schema(value_type = Option<String>)]
    credentials_value: Option<DeviceToken>,
}

/// An id; the type may be left out.
#[derive(Debug, ToSchema)]
#[schema(as = RecordIdToSave, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the request; ids are read by `JsonObject::entity_id`")]
pub(super) struct DraftId {
    entity_type: Option<String>,
    id: Uuid,
}

impl Draft {
    /// A record to be saved.
    pub(super) fn read(members: &JsonObject) -> Result<Self, ApiError> {
        Ok(Self {
            id: members.entity_id("id", "DEVICE_CREDENTIALS")?.map(CredentialsId),
            device_id: members.entity_id("deviceId", "DEVICE")?.map(DeviceId),
            version: members.integer("version")?,
            ..Self::read_new(members)?
        })
    }

    /// The credentials of a device that is saved with them. Clients put ids there that mean nothing.
    pub(in crate::endpoints) fn read_new(members: &JsonObject) -> Result<Self, ApiError> {
        let secret = |name| Ok::<_, ApiError>(members.text(name)?.map(DeviceToken::new));
        Ok(Self {
            id: None,
            device_id: None,
            version: None,
            credentials_type: members.text("credentialsType")?.map(|word| kind(&word)).transpose()?,
            credentials_id: secret("credentialsId")?,
            credentials_value: secret("credentialsValue")?,
        })
    }

    /// What they are, by the rules of their kind.
    pub(in crate::endpoints) fn credentials(&self) -> Result<NewCredentials, ApiError> {
        let kind =
            self.credentials_type.ok_or_else(|| ApiError::invalid("Device credentials type should be specified"))?;
        let id = self.credentials_id.as_ref().map(DeviceToken::expose);
        let value = self.credentials_value.as_ref().map(DeviceToken::expose);
        Ok(NewCredentials::read(kind, id, value)?)
    }
}

fn kind(word: &str) -> Result<CredentialsKind, ApiError> {
    CredentialsKind::parse(word).ok_or_else(|| match word {
        LWM2M => ApiError::invalid("LWM2M credentials are not supported"),
        _ => ApiError::malformed("Unknown credentials type: use ACCESS_TOKEN, MQTT_BASIC or X509_CERTIFICATE"),
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(value: &Value) -> Result<NewCredentials, String> {
        let members = JsonObject::parse(&Bytes::from(value.to_string())).unwrap();
        Draft::read(&members).and_then(|draft| draft.credentials()).map_err(|error| error.to_string())
    }

    #[test]
    fn each_fault_is_told_in_the_words_that_clients_know() {
        let mqtt = |value: Value| json!({"credentialsType": "MQTT_BASIC", "credentialsValue": value.to_string()});
        for (value, message) in [
            (json!({"credentialsId": "abc"}), "Device credentials type should be specified"),
            (json!({"credentialsType": "ACCESS_TOKEN"}), "Device credentials id should be specified!"),
            (
                json!({"credentialsType": "ACCESS_TOKEN", "credentialsId": ""}),
                "Device credentials id should be specified!",
            ),
            (mqtt(json!({})), "Both mqtt client id and user name are empty!"),
            (mqtt(json!({"clientId": "c", "password": "p"})), "Password cannot be specified along with client id"),
            (mqtt(json!("rubbish")), "Invalid credentials body for simple mqtt credentials!"),
            (json!({"credentialsType": "MQTT_BASIC"}), "Invalid credentials body for simple mqtt credentials!"),
            (json!({"credentialsType": "X509_CERTIFICATE"}), "Device credentials value should be a certificate!"),
            (json!({"credentialsType": "LWM2M_CREDENTIALS"}), "LWM2M credentials are not supported"),
            (
                json!({"credentialsType": "ACCESS_TOKEN", "credentialsId": "a\u{0}"}),
                "Device credentials must not contain control characters!",
            ),
        ] {
            assert_eq!(read(&value).unwrap_err(), message, "{value}");
        }
        assert!(read(&json!({"credentialsType": "NOTHING"})).unwrap_err().starts_with("Unknown credentials type"));
    }

    #[test]
    fn an_id_that_is_none_is_refused_in_a_record_and_ignored_with_a_device() {
        let value = json!({"id": "dummy", "credentialsType": "ACCESS_TOKEN", "credentialsId": "T"});
        assert!(read(&value).is_err());
        let members = JsonObject::parse(&Bytes::from(value.to_string())).unwrap();
        assert!(Draft::read_new(&members).unwrap().credentials().is_ok());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic_or_is_shown(kind in "ACCESS_TOKEN|MQTT_BASIC|X509_CERTIFICATE|.{0,4}", text in "(?s).{0,40}") {
            let value = json!({"credentialsType": kind, "credentialsId": text, "credentialsValue": format!("S3CR3T{text}")});
            if let Err(error) = read(&value) {
                prop_assert!(!error.contains("S3CR3T"));
            }
        }
    }
}
