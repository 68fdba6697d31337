//! Entity ids.

use deed_domain::ids::{ApiKeyId, CustomerId, DeviceId, ProfileId, TenantId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::{Uuid, uuid};

/// How an absent customer or tenant looks.
pub(crate) const NULL_UUID: Uuid = uuid!("13814000-1dd2-11b2-8080-808080808080");

/// What an id is of, and the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntityId {
    /// `DEVICE`, `CUSTOMER`, `TENANT` …
    #[schema(example = "DEVICE")]
    entity_type: &'static str,
    /// `13814000-1dd2-11b2-8080-808080808080` stands for none.
    id: Uuid,
}

impl EntityId {
    pub(crate) const fn device(id: DeviceId) -> Self {
        Self { entity_type: "DEVICE", id: id.0 }
    }

    pub(crate) const fn api_key(id: ApiKeyId) -> Self {
        Self { entity_type: "API_KEY", id: id.0 }
    }

    pub(crate) const fn user(id: UserId) -> Self {
        Self { entity_type: "USER", id: id.0 }
    }

    pub(crate) const fn profile(id: ProfileId) -> Self {
        Self { entity_type: "DEVICE_PROFILE", id: id.0 }
    }

    pub(crate) const fn tenant_profile(id: Uuid) -> Self {
        Self { entity_type: "TENANT_PROFILE", id }
    }

    pub(crate) fn tenant(id: Option<TenantId>) -> Self {
        Self { entity_type: "TENANT", id: id.map_or(NULL_UUID, |id| id.0) }
    }

    pub(crate) fn customer(id: Option<CustomerId>) -> Self {
        Self { entity_type: "CUSTOMER", id: id.map_or(NULL_UUID, |id| id.0) }
    }
}
