//! Shapes that several endpoints share (`docs/protocol.md`, shapes). Members that are not set are null, never missing.

mod acquired;
mod claim_key;
mod contact;
mod credentials;
mod customer;
mod device;
mod entity_id;
mod page;
mod profile;
mod tenant;
mod user;

pub(crate) use acquired::AcquiredJson;
pub(crate) use claim_key::ClaimKeyJson;
pub(crate) use contact::ContactJson;
pub(crate) use credentials::CredentialsJson;
pub(crate) use customer::{CustomerInfoJson, CustomerJson};
pub(crate) use device::{DeviceInfoJson, DeviceJson};
pub(crate) use entity_id::{EntityId, NULL_UUID};
pub(crate) use page::PageJson;
pub(crate) use profile::{
    ATTRIBUTES_TOPIC, DEFAULT_TYPE, JSON_COMPATIBLE, JSON_DOWNLINKS, JSON_PAYLOAD, NO_PROVISIONING, PROTOBUF_PAYLOAD,
    PROTOBUF_SCHEMAS, ProfileInfoJson, ProfileJson, TELEMETRY_TOPIC,
};
pub(crate) use tenant::{DEFAULT_TENANT_PROFILE, DEFAULT_TENANT_PROFILE_NAME, TenantInfoJson, TenantJson};
pub(crate) use user::{ACCOUNT_MEMBERS, UserInfoJson, UserJson};
