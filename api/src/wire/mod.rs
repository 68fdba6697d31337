//! Shapes that several endpoints share (`docs/protocol.md`, shapes). Members that are not set are null, never missing.

mod acquired;
mod claim_key;
mod credentials;
mod device;
mod entity_id;
mod page;
mod user;

pub(crate) use acquired::AcquiredJson;
pub(crate) use claim_key::ClaimKeyJson;
pub(crate) use credentials::CredentialsJson;
pub(crate) use device::{DeviceInfoJson, DeviceJson};
pub(crate) use entity_id::{EntityId, NULL_UUID};
pub(crate) use page::PageJson;
pub(crate) use user::{ACCOUNT_MEMBERS, UserInfoJson, UserJson};
