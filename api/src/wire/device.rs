//! Devices.

use deed_domain::{
    device::Registered,
    ids::{CustomerId, DeviceId, ProfileId, TenantId},
    ports::{Customer, ProfileTransport},
    time::Timestamp,
};
use deed_projections::DeviceRow;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::EntityId;

/// A device.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceJson {
    /// The device.
    id: EntityId,
    /// When it was registered, milliseconds since the epoch.
    #[schema(value_type = i64, example = 1_735_689_600_000_i64)]
    created_time: Timestamp,
    /// Whose device it is.
    tenant_id: EntityId,
    /// The owner; the null UUID if it has none.
    customer_id: EntityId,
    /// Unique among the tenant's devices.
    #[schema(example = "D-1")]
    name: String,
    /// The name of its profile.
    #[serde(rename = "type")]
    #[schema(example = "default")]
    device_type: String,
    /// A free text for people.
    label: Option<String>,
    /// Its profile.
    device_profile_id: EntityId,
    /// Always null.
    firmware_id: Option<EntityId>,
    /// Always null.
    software_id: Option<EntityId>,
    /// Always null.
    external_id: Option<EntityId>,
    /// 1 after the registration, one more for each save and each change of owner.
    version: u32,
    /// Whatever clients keep there.
    #[schema(value_type = Option<Object>)]
    additional_info: Option<Value>,
    /// The transport of its profile; else always the default.
    device_data: DeviceData,
}

/// What the contract's clients expect to find in a device.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceData {
    configuration: Kind,
    transport_configuration: Kind,
}

/// `{"type":"DEFAULT"}`, or of the transport `MQTT`.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Kind {
    #[serde(rename = "type")]
    #[schema(example = "DEFAULT")]
    kind: &'static str,
}

impl Default for Kind {
    fn default() -> Self {
        Self { kind: "DEFAULT" }
    }
}

/// Of what both sources of a device consist.
struct Parts {
    tenant_id: TenantId,
    customer_id: Option<CustomerId>,
    created_at: Timestamp,
    name: String,
    device_type: String,
    label: Option<String>,
    profile_id: ProfileId,
    version: u32,
}

impl DeviceJson {
    /// A device as a command left it.
    pub(crate) fn of_registered(id: DeviceId, device: &Registered, additional_info: Option<Value>) -> Self {
        let parts = Parts {
            tenant_id: device.tenant_id,
            customer_id: device.owner_id(),
            created_at: device.registered_at,
            name: device.name.clone(),
            device_type: device.device_type.clone(),
            label: device.label.clone(),
            profile_id: device.profile_id,
            version: device.version,
        };
        Self::new(id, parts, additional_info)
    }

    /// A device from the device list.
    pub(crate) fn of_row(row: DeviceRow, additional_info: Option<Value>) -> Self {
        let parts = Parts {
            tenant_id: row.tenant_id,
            customer_id: row.customer_id,
            created_at: row.created_at,
            name: row.name,
            device_type: row.device_type,
            label: row.label,
            profile_id: row.profile_id,
            version: row.version,
        };
        Self::new(row.device_id, parts, additional_info)
    }

    /// The device, whose profile has that transport.
    pub(crate) const fn with_transport(mut self, transport: ProfileTransport) -> Self {
        self.device_data.transport_configuration = Kind { kind: transport.as_str() };
        self
    }

    fn new(id: DeviceId, parts: Parts, additional_info: Option<Value>) -> Self {
        Self {
            id: EntityId::device(id),
            created_time: parts.created_at,
            tenant_id: EntityId::tenant(Some(parts.tenant_id)),
            customer_id: EntityId::customer(parts.customer_id),
            name: parts.name,
            device_type: parts.device_type,
            label: parts.label,
            device_profile_id: EntityId::profile(parts.profile_id),
            firmware_id: None,
            software_id: None,
            external_id: None,
            version: parts.version,
            additional_info,
            device_data: DeviceData::default(),
        }
    }
}

/// A device and what people want to see beside it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceInfoJson {
    #[serde(flatten)]
    device: DeviceJson,
    /// The owner's title.
    customer_title: Option<String>,
    /// Whether the owner is the public customer.
    customer_is_public: bool,
    /// The name of its profile.
    device_profile_name: String,
    /// Always false: whether a device is connected is not followed.
    active: bool,
    /// The customer that owns it, or the tenant.
    owner_id: EntityId,
    /// The owner's title; null if the tenant owns it.
    owner_name: Option<String>,
    /// Always empty.
    groups: Vec<GroupJson>,
}

/// An entity group.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct GroupJson {
    id: Uuid,
    name: String,
}

impl DeviceInfoJson {
    /// The device, and its owner if it has one.
    pub(crate) fn new(device: DeviceJson, owner: Option<&Customer>) -> Self {
        let title = owner.map(|customer| customer.title.clone());
        Self {
            customer_title: title.clone(),
            customer_is_public: owner.is_some_and(Customer::is_public),
            device_profile_name: device.device_type.clone(),
            active: false,
            owner_id: if owner.is_some() { device.customer_id } else { device.tenant_id },
            owner_name: title,
            groups: Vec::new(),
            device,
        }
    }
}
