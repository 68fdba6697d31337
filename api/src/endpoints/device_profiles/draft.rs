//! A device profile as a client wants to save it, read and checked. What a profile cannot do here is refused, and not
//! forgotten.

use deed_domain::{
    ids::ProfileId,
    ports::{ProfileTransport, ProfileValues},
    texts::{check_name, check_text},
};
use serde_json::Value;
use utoipa::ToSchema;

use super::{payloads, provisioning};
use crate::{
    endpoints::{contact::read_version, devices::DraftId},
    error::ApiError,
    extract::JsonObject,
    wire::DEFAULT_TYPE,
};

/// What else a profile of ThingsBoard can have.
const UNSUPPORTED: [&str; 7] = [
    "image",
    "defaultRuleChainId",
    "defaultDashboardId",
    "defaultQueueName",
    "firmwareId",
    "softwareId",
    "defaultEdgeRuleChainId",
];

/// A device profile to save. A profile that was read can be sent back; what has no value in it has to be left so.
#[derive(ToSchema)]
#[schema(as = DeviceProfileToSave, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the request; `Draft` is read from it")]
pub(super) struct DraftBody {
    /// The profile to change; missing or null makes a new one.
    id: Option<DraftId>,
    /// The version that the client saw; missing or null overwrites.
    version: Option<i64>,
    /// Unique among the tenant's profiles. Stays as it is while devices have the profile.
    #[schema(example = "thermostat", max_length = 255)]
    name: String,
    /// A text for people.
    #[schema(max_length = 255)]
    description: Option<String>,
    /// `DEFAULT`, which is what counts without it.
    #[schema(rename = "type", example = "DEFAULT")]
    kind: Option<String>,
    /// `DEFAULT`, which is what counts without it, or `MQTT`. Stays as it is while devices have the profile.
    #[schema(example = "DEFAULT")]
    transport_type: Option<String>,
    /// How devices add themselves: `DISABLED`, which is what counts without it, `ALLOW_CREATE_NEW_DEVICES` or
    /// `CHECK_PRE_PROVISIONED_DEVICES`.
    #[schema(example = "DISABLED")]
    provision_type: Option<String>,
    /// By which such devices find the profile; unique on the platform. Only where they add themselves.
    #[schema(max_length = 255)]
    provision_device_key: Option<String>,
    /// `true` for the default alone: another one is made the default by a call of its own.
    default: Option<bool>,
    /// As it is in a profile that was read; `provisionConfiguration` holds the `type` once more, and the
    /// `provisionDeviceSecret`.
    #[schema(value_type = Option<Object>)]
    profile_data: Option<Value>,
}

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) id: Option<ProfileId>,
    pub(super) version: Option<u32>,
    /// Whether it says that it is the default.
    pub(super) is_default: bool,
    pub(super) values: ProfileValues,
}

impl Draft {
    pub(super) fn read(members: &JsonObject) -> Result<Self, ApiError> {
        let name = members.text("name")?.filter(|name| !name.trim().is_empty());
        let name = name.ok_or_else(|| ApiError::invalid("Device profile name should be specified!"))?;
        let description = members.text("description")?;
        check_name("name", &name)
            .and_then(|()| description.as_deref().map_or(Ok(()), |text| check_text("description", text)))
            .map_err(|why| ApiError::invalid(why.to_string()))?;
        let transport = members
            .text("transportType")?
            .map_or(Some(ProfileTransport::Default), |word| ProfileTransport::parse(&word));
        let transport = transport.ok_or_else(|| ApiError::invalid("Member 'transportType' must be DEFAULT or MQTT"))?;
        let mut draft = Self {
            id: members.entity_id("id", "DEVICE_PROFILE")?.map(ProfileId),
            version: read_version(members, "Device profile")?,
            is_default: members.flag("default")?.unwrap_or(false),
            values: ProfileValues { name, description, transport, ..ProfileValues::default() },
        };
        only(members, "type", DEFAULT_TYPE)?;
        UNSUPPORTED.into_iter().try_for_each(|name| unset(members, name))?;
        let data = members.nested("profileData")?;
        let configuration = data.as_ref().map(|data| data.nested("provisionConfiguration")).transpose()?.flatten();
        draft.values.provisioning = provisioning::read(members, configuration.as_ref())?;
        if let Some(data) = data {
            check_data(&data)?;
            if let Some(configuration) = data.nested("transportConfiguration")? {
                only(&configuration, "type", transport.as_str())?;
                if transport == ProfileTransport::Mqtt {
                    (draft.values.payloads, draft.values.protobuf_notes) = payloads::read_mqtt(&configuration)?;
                }
            }
        }
        Ok(draft)
    }
}

fn check_data(data: &JsonObject) -> Result<(), ApiError> {
    unset(data, "alarms")?;
    if let Some(configuration) = data.nested("configuration")? {
        only(&configuration, "type", DEFAULT_TYPE)?;
    }
    Ok(())
}

/// The member is missing, null, or this.
pub(super) fn only(members: &JsonObject, name: &str, expected: &str) -> Result<(), ApiError> {
    match members.text(name)? {
        Some(text) if text != expected => Err(ApiError::invalid(format!("Member '{name}' must be {expected}"))),
        Some(_) | None => Ok(()),
    }
}

/// The member says nothing.
pub(super) fn unset(members: &JsonObject, name: &str) -> Result<(), ApiError> {
    if members.is_set(name) {
        return Err(ApiError::invalid(format!("Member '{name}' of a device profile is not supported")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use deed_domain::{
        ids::TenantId,
        ports::{DeviceToken, PayloadEncoding, Payloads, Profile, ProvisioningRule, ProvisioningStrategy},
        time::Timestamp,
    };
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::wire::ProfileJson;

    fn read(value: &Value) -> Result<Draft, String> {
        let members = JsonObject::parse(&Bytes::from(value.to_string())).unwrap();
        Draft::read(&members).map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_is_enough() {
        let draft = read(&json!({"name": "n", "whatever": []})).unwrap();
        assert_eq!(draft.values, ProfileValues { name: "n".to_owned(), ..ProfileValues::default() });
        assert_eq!((draft.id, draft.version, draft.is_default), (None, None, false));
    }

    #[test]
    fn a_profile_that_was_read_can_be_sent_back() {
        let id = Uuid::from_u128(5);
        let protobuf = Payloads { encoding: PayloadEncoding::ProtobufOrJson, acknowledges_faults: true };
        let notes = json!({"deviceTelemetryProtoSchema": "x", "useJsonPayloadFormatForDefaultDownlinkTopics": true});
        for (transport, payloads, protobuf_notes) in [
            (ProfileTransport::Default, Payloads::default(), None),
            (ProfileTransport::Mqtt, Payloads::default(), None),
            (ProfileTransport::Mqtt, protobuf, Some(notes)),
        ] {
            let first = Profile::first(ProfileId(id), TenantId(id), Timestamp(7));
            let provisioning = protobuf_notes.as_ref().map(|_| ProvisioningRule {
                strategy: ProvisioningStrategy::AllowNew,
                key: "k".to_owned(),
                secret: DeviceToken::new("s"),
            });
            let first = Profile { transport, payloads, protobuf_notes, provisioning, ..first };
            let draft = read(&json!(ProfileJson::from(first.clone()))).unwrap();
            let Profile { name, description, transport, payloads, protobuf_notes, provisioning, .. } = first;
            let expected = ProfileValues { name, description, transport, payloads, protobuf_notes, provisioning };
            assert_eq!(draft.values, expected);
            assert_eq!((draft.id, draft.version, draft.is_default), (Some(ProfileId(id)), Some(1), true));
        }
    }

    #[test]
    fn what_a_profile_cannot_do_is_refused() {
        let mqtt = |configuration: Value| json!({"name": "n", "transportType": "MQTT", "profileData": {"transportConfiguration": configuration}});
        let data = |data: Value| json!({"name": "n", "profileData": data});
        for (value, message) in [
            (json!({"name": "n", "type": "OTHER"}), "Member 'type' must be DEFAULT"),
            (json!({"name": "n", "transportType": "LWM2M"}), "Member 'transportType' must be DEFAULT or MQTT"),
            (
                json!({"name": "n", "defaultQueueName": "Main"}),
                "Member 'defaultQueueName' of a device profile is not supported",
            ),
            (data(json!({"alarms": [{}]})), "Member 'alarms' of a device profile is not supported"),
            (data(json!({"transportConfiguration": {"type": "MQTT"}})), "Member 'type' must be DEFAULT"),
            (
                mqtt(json!({"deviceTelemetryTopic": "/t"})),
                "Member 'deviceTelemetryTopic' must be v1/devices/me/telemetry",
            ),
            (mqtt(json!({"sparkplug": true})), "Member 'sparkplug' must be false"),
            (
                mqtt(json!({"transportPayloadTypeConfiguration": {"transportPayloadType": "XML"}})),
                "Member 'transportPayloadType' must be JSON or PROTOBUF",
            ),
        ] {
            assert_eq!(read(&value).unwrap_err(), message, "{value}");
        }
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        for name in [json!(null), json!(""), json!("  ")] {
            assert_eq!(read(&json!({"name": name})).unwrap_err(), "Device profile name should be specified!");
        }
        assert!(read(&json!({"name": "x".repeat(256)})).unwrap_err().contains("name length"));
        assert!(read(&json!({"name": "n", "description": "<b>"})).unwrap_err().contains("description is malformed"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,300}") {
            let _ = read(&json!({"name": text, "description": text, "transportType": text, "type": text}));
        }
    }
}
