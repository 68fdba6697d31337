//! Device credentials.

use deed_domain::{
    ports::{DeviceCredentials, DeviceToken},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::EntityId;

/// What a device authenticates with. Secret: written for those who may see it, and shown nowhere else.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CredentialsJson {
    /// The record; has no entity type.
    id: BareId,
    /// When the device got its first credentials, milliseconds since the epoch.
    #[schema(value_type = i64, example = 1_735_689_600_000_i64)]
    created_time: Timestamp,
    /// Whose they are.
    device_id: EntityId,
    /// `ACCESS_TOKEN`, `MQTT_BASIC` or `X509_CERTIFICATE`.
    #[schema(example = "ACCESS_TOKEN")]
    credentials_type: &'static str,
    /// The token, or what the service computes from the value.
    #[schema(value_type = String, example = "A1B2C3D4E5F6G7H8I9J0")]
    credentials_id: Secret,
    /// Null for a token; a JSON object in a text for `MQTT_BASIC`; the certificate in one line of base64.
    #[schema(value_type = Option<String>)]
    credentials_value: Option<Secret>,
    /// One more for each save.
    #[schema(example = 1)]
    version: u32,
}

/// An id whose type goes without saying.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct BareId {
    id: Uuid,
}

/// Serialised in clear; it has no `Debug`.
struct Secret(DeviceToken);

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl CredentialsJson {
    pub(crate) fn new(of: DeviceCredentials) -> Self {
        Self {
            id: BareId { id: of.id.0 },
            created_time: of.created_at,
            device_id: EntityId::device(of.device_id),
            credentials_type: of.kind.as_str(),
            credentials_id: Secret(of.credentials_id),
            credentials_value: of.credentials_value.map(Secret),
            version: of.version,
        }
    }
}

#[cfg(test)]
mod tests {
    use deed_domain::{
        ids::{CredentialsId, DeviceId, TenantId},
        ports::CredentialsKind,
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn the_record_has_no_entity_type() {
        let id = Uuid::from_u128(1);
        let of = DeviceCredentials {
            id: CredentialsId(id),
            device_id: DeviceId(id),
            tenant_id: TenantId(id),
            created_at: Timestamp(5),
            kind: CredentialsKind::AccessToken,
            credentials_id: DeviceToken::new("T"),
            credentials_value: None,
            version: 1,
        };
        let expected = json!({
            "id": {"id": id}, "createdTime": 5, "deviceId": {"entityType": "DEVICE", "id": id},
            "credentialsType": "ACCESS_TOKEN", "credentialsId": "T", "credentialsValue": null, "version": 1
        });
        assert_eq!(serde_json::to_value(CredentialsJson::new(of)).unwrap(), expected);
    }
}
