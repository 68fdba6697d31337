//! Tenants.

use deed_domain::{ports::Tenant, time::Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::{Uuid, uuid};

use super::{ContactJson, EntityId};

/// The one tenant profile that there is. It has no settings, as limits are configured for the whole service.
pub(crate) const DEFAULT_TENANT_PROFILE: Uuid = uuid!("01937500-0000-7000-8000-0000000000dd");
/// What it is called.
pub(crate) const DEFAULT_TENANT_PROFILE_NAME: &str = "Default";

/// A manufacturer or integrator.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TenantJson {
    /// The tenant.
    id: EntityId,
    /// When it was added, milliseconds since the epoch.
    #[schema(value_type = i64, example = 1_735_689_600_000_i64)]
    created_time: Timestamp,
    #[serde(flatten)]
    contact: ContactJson,
    /// Its name; several may have the same.
    #[schema(example = "Maker")]
    title: String,
    /// Its region.
    region: Option<String>,
    /// Always the default.
    tenant_profile_id: EntityId,
    /// 1 when it is added, one more for each save.
    version: u32,
    /// The title.
    name: String,
    /// Whatever clients keep there.
    #[schema(value_type = Option<Object>)]
    additional_info: Option<Value>,
}

impl From<Tenant> for TenantJson {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: EntityId::tenant(Some(tenant.id)),
            created_time: tenant.created_at,
            contact: tenant.contact.into(),
            name: tenant.title.clone(),
            title: tenant.title,
            region: tenant.region,
            tenant_profile_id: EntityId::tenant_profile(DEFAULT_TENANT_PROFILE),
            version: tenant.version,
            additional_info: tenant.additional_info,
        }
    }
}

/// A tenant and the name of its profile.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TenantInfoJson {
    #[serde(flatten)]
    tenant: TenantJson,
    /// Always the default's.
    #[schema(example = "Default")]
    tenant_profile_name: &'static str,
}

impl From<Tenant> for TenantInfoJson {
    fn from(tenant: Tenant) -> Self {
        Self { tenant: tenant.into(), tenant_profile_name: DEFAULT_TENANT_PROFILE_NAME }
    }
}
