//! API keys (`docs/protocol.md`, api keys).

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod enable;
pub(crate) mod list;

use deed_domain::{
    ids::{ApiKeyId, UserId},
    ports::{ApiKey, Authority, Principal, User},
    texts::check_text,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{error::ApiError, state::ApiState, wire::EntityId};

/// An API key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyJson {
    /// The key.
    id: EntityId,
    /// When it was made, milliseconds since the epoch.
    #[schema(value_type = i64, example = 1_735_689_600_000_i64)]
    created_time: Timestamp,
    /// The tenant of its user.
    tenant_id: EntityId,
    /// For whom it acts.
    user_id: EntityId,
    /// It may be used before this time, milliseconds since the epoch; 0 = always.
    expiration_time: i64,
    /// Whether it may be used.
    enabled: bool,
    /// Whether its time has run out.
    expired: bool,
    /// What it is for.
    #[schema(example = "nightly import")]
    description: String,
    /// What a program signs in with: in the answer to its making, and never again.
    value: Option<String>,
}

impl ApiKeyJson {
    fn new(key: ApiKey, user: &User, now: Timestamp, value: Option<String>) -> Self {
        Self {
            id: EntityId::api_key(key.id),
            created_time: key.created_at,
            tenant_id: EntityId::tenant(user.tenant_id),
            user_id: EntityId::user(key.user_id),
            expiration_time: key.expires_at.map_or(0, |at| at.0),
            enabled: key.enabled,
            expired: key.is_expired_at(now),
            description: key.description,
            value,
        }
    }
}

/// The user whose keys are meant, if the caller may see to them: everybody to its own, and a tenant's administrator to
/// those of its customers' users.
async fn owner(state: &ApiState, caller: &Principal, id: UserId) -> Result<User, ApiError> {
    let user = state.accounts.user(id).await?;
    let user = user.ok_or_else(|| ApiError::NotFound(format!("User with id [{id}] is not found").into()))?;
    let is_below = caller.authority == Authority::TenantAdmin
        && user.authority == Authority::CustomerUser
        && user.tenant_id == caller.tenant_id;
    if user.id == caller.user_id || is_below { Ok(user) } else { Err(ApiError::Forbidden) }
}

/// The key of that id and its user, if the caller may see to them.
async fn find(state: &ApiState, caller: &Principal, id: ApiKeyId) -> Result<(ApiKey, User), ApiError> {
    let key = state.accounts.api_key(id).await?.ok_or_else(|| no_key(id))?;
    let user = owner(state, caller, key.user_id).await?;
    Ok((key, user))
}

fn no_key(id: ApiKeyId) -> ApiError {
    ApiError::NotFound(format!("API key with id [{id}] is not found").into())
}

fn check_description(text: &str) -> Result<(), ApiError> {
    if text.trim().is_empty() {
        return Err(ApiError::invalid("API key description should be specified!"));
    }
    check_text("description", text).map_err(|why| ApiError::invalid(why.to_string()))
}
