//! `POST /api/device`: adds a device or saves one.

use std::future::Future;

use axum::{Json, extract::State};
use deed_domain::{
    claims::{DeviceChange, Failure, NewDevice, ProfileChoice},
    credentials::NewCredentials,
    device::{OwnerChange, Refusal},
    ids::{CustomerId, TenantId},
    metadata::Caller,
    ports::{AppendError, Appended, UniqueClaim},
    texts::check_name,
};
use deed_projections::DeviceRow;
use serde_json::Value;

use super::draft::{Draft, DraftOwner};
use crate::{
    authentication::{DeviceUser, Only, TenantAdmin},
    error::ApiError,
    extract::{Attempt, CommandContext, JsonBody, JsonObject, NameConflict, NameConflictParams, QueryParams},
    state::{ApiState, Shared},
    wire::DeviceJson,
};

/// Add or save a device
///
/// Without `id` the device is added with its credentials; with `id` it is saved. A customer's user may change `label`
/// and `additionalInfo` of an own device, except the member `gateway`.
#[utoipa::path(
    post, path = "/api/device", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("accessToken" = Option<String>, Query, description = "What a new device authenticates with; missing or empty makes one."),
        NameConflictParams,
        ("entityGroupId" = Option<String>, Query, description = "Not looked at."),
        ("entityGroupIds" = Option<String>, Query, description = "Not looked at."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the command, so that it is carried out once."),
    ),
    request_body = Draft,
    responses(
        (status = 200, description = "The device as it is now.", body = DeviceJson),
        (status = 400, description = "The request is malformed or breaks a rule: the name or the access token is taken, \
                                      the customer or the profile does not exist."),
        (status = 404, description = "The tenant has no device of that id."),
        (status = 409, description = "`errorCode` 35: somebody else saved the device in between."),
    )
)]
pub(crate) async fn save_device(
    State(state): State<Shared>,
    Only(user): Only<DeviceUser>,
    command: CommandContext,
    query: QueryParams,
    JsonBody(body): JsonBody,
) -> Result<Json<DeviceJson>, ApiError> {
    let conflict = NameConflict::read(&query)?;
    let draft = Draft::read(&JsonObject::parse(&body)?)?;
    let caller = command.caller(user.user_id());
    let appended = match (draft.id, user) {
        (None, DeviceUser::Admin(admin)) => {
            let token = query.text("accessToken").filter(|token| !token.is_empty());
            let credentials = token.map(NewCredentials::access_token).transpose()?;
            add(&state, &caller, admin, draft, credentials, &conflict).await?
        }
        (None, DeviceUser::Customer(_)) => return Err(ApiError::Forbidden),
        (Some(id), _) => {
            let row = super::find(&state, user, id).await?;
            let change = match user {
                DeviceUser::Admin(admin) => change_by_admin(&state, admin, &row, draft).await?,
                DeviceUser::Customer(_) => change_by_owner(&state, &row, draft).await?,
            };
            change_device(&state, &caller, &row, change, &conflict).await?
        }
    };
    super::left(&state, &appended).await.map(Json)
}

pub(super) async fn add(
    state: &ApiState,
    caller: &Caller,
    admin: TenantAdmin,
    draft: Draft,
    credentials: Option<NewCredentials>,
    conflict: &NameConflict,
) -> Result<Appended, ApiError> {
    let owner = match draft.customer_id {
        DraftOwner::Customer(id) => Some(existing_customer(state, admin.tenant_id, id).await?),
        DraftOwner::Nobody | DraftOwner::Unsaid => None,
    };
    let profile = profile(state, admin.tenant_id, &draft).await?.unwrap_or(ProfileChoice::Default);
    let name = draft.name.clone();
    let new = NewDevice {
        name: draft.name,
        profile,
        label: draft.label,
        owner,
        additional_info: draft.additional_info,
        credentials,
    };
    let register = |name| {
        let new = NewDevice { name, ..new.clone() };
        async move { state.claims.register(caller, admin.tenant_id, new).await.map_err(ApiError::from) }
    };
    save_named(state, admin.tenant_id, &name, conflict, register).await
}

/// Changes the device of that row.
pub(super) async fn change_device(
    state: &ApiState,
    caller: &Caller,
    row: &DeviceRow,
    change: DeviceChange,
    conflict: &NameConflict,
) -> Result<Appended, ApiError> {
    let DeviceRow { device_id, tenant_id, .. } = *row;
    let change_to = |name| {
        let change = DeviceChange { name, ..change.clone() };
        async move { state.claims.change(caller, tenant_id, device_id, change).await.map_err(super::failure(device_id)) }
    };
    save_named(state, tenant_id, &change.name, conflict, change_to).await
}

/// Saves a device under its name, or under another one if the name is taken and that is wanted.
async fn save_named<F: Future<Output = Result<Appended, ApiError>>>(
    state: &ApiState,
    tenant_id: TenantId,
    name: &str,
    conflict: &NameConflict,
    save: impl Fn(String) -> F,
) -> Result<Appended, ApiError> {
    let attempt = async |name: String| {
        check_name("name", &name).map_err(|why| ApiError::invalid(why.to_string()))?;
        match save(name).await {
            Ok(appended) => Ok(Attempt::Saved(appended)),
            Err(error) if is_name_taken(&error) => Ok(Attempt::Taken(error)),
            Err(error) => Err(error),
        }
    };
    let is_taken = async |name: String| Ok(state.read_models.device_named(tenant_id, &name).await?.is_some());
    conflict.save(&*state.entropy, name, attempt, is_taken).await
}

fn is_name_taken(error: &ApiError) -> bool {
    matches!(error, ApiError::Failed(Failure::NotAppended(AppendError::Taken(UniqueClaim::DeviceName(..)))))
}

pub(super) async fn change_by_admin(
    state: &ApiState,
    admin: TenantAdmin,
    row: &DeviceRow,
    draft: Draft,
) -> Result<DeviceChange, ApiError> {
    let owner = match draft.customer_id {
        DraftOwner::Unsaid => OwnerChange::Keep,
        DraftOwner::Nobody => OwnerChange::Clear,
        DraftOwner::Customer(id) if row.customer_id == Some(id) => OwnerChange::SetTo(id),
        DraftOwner::Customer(id) => OwnerChange::SetTo(existing_customer(state, admin.tenant_id, id).await?),
    };
    let profile = match profile(state, admin.tenant_id, &draft).await? {
        Some(profile) => profile,
        None => ProfileChoice::Named(row.device_type.clone()),
    };
    Ok(DeviceChange {
        expected_version: expected_version(draft.version)?,
        name: draft.name,
        profile,
        label: draft.label,
        owner,
        additional_info: draft.additional_info,
        credentials: None,
    })
}

/// The owner may change the label and what clients keep, and nothing by which a device changes hands or becomes a
/// gateway.
async fn change_by_owner(state: &ApiState, row: &DeviceRow, draft: Draft) -> Result<DeviceChange, ApiError> {
    let keeps_owner = match draft.customer_id {
        DraftOwner::Unsaid => true,
        DraftOwner::Nobody => false,
        DraftOwner::Customer(id) => row.customer_id == Some(id),
    };
    let keeps_profile = match (draft.device_profile_id, &draft.device_type) {
        (Some(id), _) => id == row.profile_id,
        (None, Some(device_type)) => *device_type == row.device_type,
        (None, None) => true,
    };
    let stored = state.attributes.additional_info(row.device_id).await?;
    let keeps_gateway = gateways(stored.as_ref()) == gateways(draft.additional_info.as_ref());
    if draft.name != row.name || !keeps_owner || !keeps_profile || !keeps_gateway {
        return Err(ApiError::Forbidden);
    }
    Ok(DeviceChange {
        // The version seen here, as the device may change hands before the command's turn comes.
        expected_version: expected_version(draft.version)?.or(Some(row.version)),
        name: draft.name,
        profile: ProfileChoice::Named(row.device_type.clone()),
        label: draft.label,
        owner: OwnerChange::Keep,
        additional_info: draft.additional_info,
        credentials: None,
    })
}

/// Whether the device is a gateway, and which one may speak for it: the administrator's to say.
fn gateways(additional_info: Option<&Value>) -> [Option<&Value>; 2] {
    ["gateway", "lastConnectedGateway"].map(|member| additional_info.and_then(|info| info.get(member)))
}

/// A version that no device can have is another version than the stored one.
fn expected_version(version: Option<i64>) -> Result<Option<u32>, ApiError> {
    let stale = || ApiError::Failed(Refusal::VersionConflict.into());
    version.map(|version| u32::try_from(version).map_err(|_| stale())).transpose()
}

async fn existing_customer(state: &ApiState, tenant_id: TenantId, id: CustomerId) -> Result<CustomerId, ApiError> {
    match state.accounts.customer(id).await? {
        Some(customer) if customer.tenant_id == tenant_id => Ok(id),
        Some(_) => Err(ApiError::invalid("Can't assign device to customer from different tenant!")),
        None => Err(ApiError::invalid("Can't assign device to non-existent customer!")),
    }
}

async fn profile(state: &ApiState, tenant_id: TenantId, draft: &Draft) -> Result<Option<ProfileChoice>, ApiError> {
    let Some(id) = draft.device_profile_id else {
        return Ok(draft.device_type.clone().map(ProfileChoice::Named));
    };
    let profile = state.profiles.by_id(id).await?.filter(|profile| profile.tenant_id == tenant_id);
    let none = || ApiError::invalid("Device is referencing non existing device profile!");
    profile.map(|profile| Some(ProfileChoice::Existing(profile))).ok_or_else(none)
}
