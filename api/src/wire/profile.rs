//! Device profiles.

use std::fmt;

use deed_domain::{
    ports::{PayloadEncoding, Profile, ProfileTransport},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{EntityId, device::Kind};

/// Where a device of an MQTT profile publishes telemetry.
pub(crate) const TELEMETRY_TOPIC: &str = "v1/devices/me/telemetry";
/// Where it publishes attributes, and hears of them.
pub(crate) const ATTRIBUTES_TOPIC: &str = "v1/devices/me/attributes";
/// The only kind of profile.
pub(crate) const DEFAULT_TYPE: &str = "DEFAULT";
/// Devices do not add themselves.
pub(crate) const NO_PROVISIONING: &str = "DISABLED";
/// Devices write JSON.
pub(crate) const JSON_PAYLOAD: &str = "JSON";
/// Devices write Protobuf.
pub(crate) const PROTOBUF_PAYLOAD: &str = "PROTOBUF";
/// The member that says that devices that write Protobuf may write JSON, too.
pub(crate) const JSON_COMPATIBLE: &str = "enableCompatibilityWithJsonPayloadFormat";
/// The member that says that devices that write Protobuf read JSON.
pub(crate) const JSON_DOWNLINKS: &str = "useJsonPayloadFormatForDefaultDownlinkTopics";
/// The members with the schemas of such devices.
pub(crate) const PROTOBUF_SCHEMAS: [&str; 4] = [
    "deviceTelemetryProtoSchema",
    "deviceAttributesProtoSchema",
    "deviceRpcRequestProtoSchema",
    "deviceRpcResponseProtoSchema",
];

/// A device profile.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProfileJson {
    /// The profile.
    id: EntityId,
    /// When it was made, milliseconds since the epoch.
    #[schema(value_type = i64, example = 1_735_689_600_000_i64)]
    created_time: Timestamp,
    /// Whose it is.
    tenant_id: EntityId,
    /// Unique among the tenant's profiles; the `type` of its devices.
    #[schema(example = "thermostat")]
    name: String,
    /// A text for people.
    description: Option<String>,
    /// Always null.
    image: Option<String>,
    /// `DEFAULT`.
    #[serde(rename = "type")]
    #[schema(example = "DEFAULT")]
    kind: &'static str,
    /// `DEFAULT` or `MQTT`.
    #[schema(example = "DEFAULT")]
    transport_type: &'static str,
    /// How devices add themselves: `DISABLED`, `ALLOW_CREATE_NEW_DEVICES` or `CHECK_PRE_PROVISIONED_DEVICES`.
    #[schema(example = "DISABLED")]
    provision_type: &'static str,
    /// Always null.
    default_rule_chain_id: Option<EntityId>,
    /// Always null.
    default_dashboard_id: Option<EntityId>,
    /// Always null.
    default_queue_name: Option<String>,
    /// By which such devices find the profile.
    provision_device_key: Option<String>,
    /// Always null.
    firmware_id: Option<EntityId>,
    /// Always null.
    software_id: Option<EntityId>,
    /// Always null.
    default_edge_rule_chain_id: Option<EntityId>,
    /// Always null.
    external_id: Option<EntityId>,
    /// 1 when it is made, one more for each save.
    version: u32,
    /// Whether devices have it that name none.
    default: bool,
    /// How its devices connect.
    profile_data: ProfileData,
}

/// What the contract's clients expect to find in a profile.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProfileData {
    configuration: Kind,
    transport_configuration: TransportConfiguration,
    provision_configuration: ProvisionConfiguration,
    /// Always null.
    #[schema(value_type = Option<Vec<Object>>)]
    alarms: Option<()>,
}

/// How the devices of a profile connect.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum TransportConfiguration {
    /// Whichever way they like.
    Default(Kind),
    /// By MQTT.
    Mqtt(MqttConfiguration),
}

/// MQTT as every device speaks it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MqttConfiguration {
    #[serde(rename = "type")]
    #[schema(example = "MQTT")]
    kind: &'static str,
    #[schema(example = "v1/devices/me/telemetry")]
    device_telemetry_topic: &'static str,
    #[schema(example = "v1/devices/me/attributes")]
    device_attributes_topic: &'static str,
    #[schema(example = "v1/devices/me/attributes")]
    device_attributes_subscribe_topic: &'static str,
    transport_payload_type_configuration: PayloadConfiguration,
    /// Always false.
    sparkplug: bool,
    /// Always null.
    sparkplug_attributes_metric_names: Option<&'static str>,
    /// Whether a message that cannot be read is acknowledged, and the connection kept.
    send_ack_on_validation_exception: bool,
}

/// How devices write their messages.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PayloadConfiguration {
    /// `JSON` or `PROTOBUF`.
    #[schema(example = "JSON")]
    transport_payload_type: &'static str,
    /// Only with `PROTOBUF`: whether devices may write JSON, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_compatibility_with_json_payload_format: Option<bool>,
    /// What clients keep beside `PROTOBUF`: schemas, and whether devices read JSON.
    #[serde(flatten)]
    #[schema(value_type = Option<Object>)]
    notes: Option<Value>,
}

/// How devices add themselves. Shows the secret to the tenant's administrators, and nothing in `Debug`.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProvisionConfiguration {
    #[serde(rename = "type")]
    #[schema(example = "DISABLED")]
    kind: &'static str,
    /// By which they show that they may.
    provision_device_secret: Option<String>,
}

impl fmt::Debug for ProvisionConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvisionConfiguration").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl TransportConfiguration {
    fn of(profile: &Profile) -> Self {
        match profile.transport {
            ProfileTransport::Default => Self::Default(Kind::default()),
            ProfileTransport::Mqtt => Self::Mqtt(MqttConfiguration {
                kind: profile.transport.as_str(),
                device_telemetry_topic: TELEMETRY_TOPIC,
                device_attributes_topic: ATTRIBUTES_TOPIC,
                device_attributes_subscribe_topic: ATTRIBUTES_TOPIC,
                transport_payload_type_configuration: PayloadConfiguration::of(profile),
                sparkplug: false,
                sparkplug_attributes_metric_names: None,
                send_ack_on_validation_exception: profile.payloads.acknowledges_faults,
            }),
        }
    }
}

impl PayloadConfiguration {
    fn of(profile: &Profile) -> Self {
        let (transport_payload_type, json_too) = match profile.payloads.encoding {
            PayloadEncoding::Json => (JSON_PAYLOAD, None),
            PayloadEncoding::Protobuf => (PROTOBUF_PAYLOAD, Some(false)),
            PayloadEncoding::ProtobufOrJson => (PROTOBUF_PAYLOAD, Some(true)),
        };
        Self {
            transport_payload_type,
            enable_compatibility_with_json_payload_format: json_too,
            notes: profile.protobuf_notes.clone(),
        }
    }
}

impl From<Profile> for ProfileJson {
    fn from(profile: Profile) -> Self {
        let transport_configuration = TransportConfiguration::of(&profile);
        let strategy = profile.provisioning.as_ref().map_or(NO_PROVISIONING, |rule| rule.strategy.as_str());
        let secret = profile.provisioning.as_ref().map(|rule| rule.secret.expose().to_owned());
        Self {
            id: EntityId::profile(profile.id),
            created_time: profile.created_at,
            tenant_id: EntityId::tenant(Some(profile.tenant_id)),
            name: profile.name,
            description: profile.description,
            image: None,
            kind: DEFAULT_TYPE,
            transport_type: profile.transport.as_str(),
            provision_type: strategy,
            default_rule_chain_id: None,
            default_dashboard_id: None,
            default_queue_name: None,
            provision_device_key: profile.provisioning.map(|rule| rule.key),
            firmware_id: None,
            software_id: None,
            default_edge_rule_chain_id: None,
            external_id: None,
            version: profile.version,
            default: profile.is_default,
            profile_data: ProfileData {
                configuration: Kind::default(),
                transport_configuration,
                provision_configuration: ProvisionConfiguration { kind: strategy, provision_device_secret: secret },
                alarms: None,
            },
        }
    }
}

/// What people want to see of a device profile.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProfileInfoJson {
    /// The profile.
    id: EntityId,
    /// Whose it is.
    tenant_id: EntityId,
    /// Unique among the tenant's profiles; the `type` of its devices.
    #[schema(example = "thermostat")]
    name: String,
    /// Always null.
    image: Option<String>,
    /// Always null.
    default_dashboard_id: Option<EntityId>,
    /// `DEFAULT`.
    #[serde(rename = "type")]
    #[schema(example = "DEFAULT")]
    kind: &'static str,
    /// `DEFAULT` or `MQTT`.
    #[schema(example = "DEFAULT")]
    transport_type: &'static str,
}

impl From<Profile> for ProfileInfoJson {
    fn from(profile: Profile) -> Self {
        Self {
            id: EntityId::profile(profile.id),
            tenant_id: EntityId::tenant(Some(profile.tenant_id)),
            name: profile.name,
            image: None,
            default_dashboard_id: None,
            kind: DEFAULT_TYPE,
            transport_type: profile.transport.as_str(),
        }
    }
}
