//! Tenants, for those who run the platform (`docs/protocol.md`, tenants).

pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod profile;
pub(crate) mod read;
pub(crate) mod read_info;
pub(crate) mod save;

use deed_domain::{
    ids::TenantId,
    ports::{Principal, Tenant},
};

use crate::{
    authentication::{Role, SysAdmin, TenantAdmin},
    error::ApiError,
    state::ApiState,
};

/// Somebody who may read tenants: an operator every one, an administrator the own one.
pub(crate) enum TenantReader {
    Operator,
    Admin(TenantAdmin),
}

impl Role for TenantReader {
    fn of(principal: &Principal) -> Option<Self> {
        let operator = SysAdmin::of(principal).map(|_| Self::Operator);
        operator.or_else(|| TenantAdmin::of(principal).map(Self::Admin))
    }
}

/// The tenant of that id if the reader may see it.
async fn find(state: &ApiState, reader: TenantReader, id: TenantId) -> Result<Tenant, ApiError> {
    let tenant = state.accounts.tenant(id).await?.ok_or_else(|| not_found(id))?;
    match reader {
        TenantReader::Admin(admin) if admin.tenant_id != id => Err(ApiError::Forbidden),
        TenantReader::Operator | TenantReader::Admin(_) => Ok(tenant),
    }
}

fn not_found(id: TenantId) -> ApiError {
    ApiError::NotFound(format!("Tenant with id [{id}] is not found").into())
}
