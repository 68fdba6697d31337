//! `POST /api/tenant`: adds a tenant or saves one.

use axum::{Json, extract::State};
use deed_domain::{
    ids::{ProfileId, TenantId},
    ports::{AccountsError, Profile, Tenant, TenantValues},
};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    authentication::{Only, SysAdmin},
    endpoints::{
        contact::{check, read_contact, read_title, read_version},
        devices::DraftId,
    },
    error::ApiError,
    extract::{JsonBody, JsonObject},
    state::{ApiState, Shared},
    wire::{DEFAULT_TENANT_PROFILE, TenantJson},
};

/// A tenant to save. Further members of a tenant are accepted and mean nothing.
#[derive(ToSchema)]
#[schema(as = TenantToSave, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the request; `Wanted` is read from it")]
pub(crate) struct TenantDraft {
    /// The tenant to change; missing or null makes a new one.
    id: Option<DraftId>,
    /// The version that the client saw; missing or null overwrites.
    version: Option<i64>,
    /// Its name; several may have the same.
    #[schema(example = "Maker", max_length = 255)]
    title: String,
    /// Its region.
    #[schema(max_length = 255)]
    region: Option<String>,
    /// Missing, null, or the default.
    tenant_profile_id: Option<DraftId>,
    /// Country.
    #[schema(max_length = 255)]
    country: Option<String>,
    /// State or province.
    #[schema(max_length = 255)]
    state: Option<String>,
    /// City.
    #[schema(max_length = 255)]
    city: Option<String>,
    /// Street and number.
    #[schema(max_length = 255)]
    address: Option<String>,
    /// What does not fit there.
    #[schema(max_length = 255)]
    address2: Option<String>,
    /// Postal code.
    #[schema(max_length = 255)]
    zip: Option<String>,
    /// Telephone number.
    #[schema(max_length = 255)]
    phone: Option<String>,
    /// An address for mail.
    #[schema(max_length = 255, example = "office@example.org")]
    email: Option<String>,
    /// Whatever clients keep there.
    #[schema(value_type = Option<Object>)]
    additional_info: Option<Value>,
}

/// What a request asks for.
#[derive(Debug)]
struct Wanted {
    id: Option<TenantId>,
    version: Option<u32>,
    values: TenantValues,
}

impl Wanted {
    fn read(members: &JsonObject) -> Result<Self, ApiError> {
        let profile = members.entity_id("tenantProfileId", "TENANT_PROFILE")?;
        if profile.is_some_and(|profile| profile != DEFAULT_TENANT_PROFILE) {
            return Err(ApiError::invalid("Tenant is referencing to non-existent tenant profile!"));
        }
        let region = members.text("region")?;
        region.as_deref().map_or(Ok(()), |region| check("region", region))?;
        Ok(Self {
            id: members.entity_id("id", "TENANT")?.map(TenantId),
            version: read_version(members, "Tenant")?,
            values: TenantValues {
                title: read_title(members, "Tenant")?,
                region,
                contact: read_contact(members)?,
                additional_info: members.object("additionalInfo")?,
            },
        })
    }
}

/// Add or save a tenant
///
/// A new tenant has the device profile `default`. Its administrators are added as users with the authority `TENANT_ADMIN`.
#[utoipa::path(
    post, path = "/api/tenant", tag = "tenants", security(("bearer" = []), ("x-authorization" = [])),
    request_body = TenantDraft,
    responses(
        (status = 200, description = "The tenant as it is now.", body = TenantJson),
        (status = 400, description = "The request is malformed or breaks a rule: the title is missing, the profile unknown."),
        (status = 404, description = "There is no tenant of that id."),
        (status = 409, description = "`errorCode` 35: somebody else saved the tenant in between."),
    )
)]
pub(crate) async fn save_tenant(
    State(state): State<Shared>,
    Only(_): Only<SysAdmin>,
    JsonBody(body): JsonBody,
) -> Result<Json<TenantJson>, ApiError> {
    let Wanted { id, version, values } = Wanted::read(&JsonObject::parse(&body)?)?;
    let saved = match id {
        Some(id) => {
            let saved = state.accounts.save_tenant(id, version, values).await;
            saved.map_err(|error| refused(id, error))?
        }
        None => add(&state, values).await?,
    };
    Ok(Json(saved.into()))
}

async fn add(state: &ApiState, values: TenantValues) -> Result<Tenant, ApiError> {
    let now = state.clock.now();
    let tenant = Tenant::new(TenantId(state.entropy.new_id(now)), now, values);
    let profile = Profile::first(ProfileId(state.entropy.new_id(now)), tenant.id, now);
    let added = state.accounts.add_tenant(tenant.clone(), profile).await;
    added.map(|()| tenant.clone()).map_err(|error| refused(tenant.id, error))
}

fn refused(id: TenantId, error: AccountsError) -> ApiError {
    match error {
        AccountsError::VersionConflict => ApiError::Changed("Tenant"),
        AccountsError::NotFound => super::not_found(id),
        AccountsError::Store(error) => error.into(),
        other => ApiError::Unreadable(format!("saving a tenant failed: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn read(value: &Value) -> Result<Wanted, String> {
        let members = JsonObject::parse(&Bytes::from(value.to_string())).unwrap();
        Wanted::read(&members).map_err(|error| error.to_string())
    }

    #[test]
    fn a_title_is_enough_and_the_only_profile_may_be_named() {
        let profile = json!({"entityType": "TENANT_PROFILE", "id": DEFAULT_TENANT_PROFILE});
        for value in [json!({"title": "M"}), json!({"title": "M", "tenantProfileId": profile})] {
            assert_eq!(read(&value).unwrap().values.title, "M");
        }
        assert_eq!(read(&json!({})).unwrap_err(), "Tenant title should be specified!");
        let other = json!({"title": "M", "tenantProfileId": {"id": Uuid::from_u128(1)}});
        assert_eq!(read(&other).unwrap_err(), "Tenant is referencing to non-existent tenant profile!");
    }
}
