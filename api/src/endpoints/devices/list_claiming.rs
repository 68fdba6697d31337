//! `GET /api/devices/claiming`.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use deed_domain::{
    claims::Failure,
    device::{ClaimPolicy, Device, Refusal, Registered},
    ids::{CustomerId, DeviceId},
    time::Timestamp,
};
use deed_projections::{OwnedBy, SearchedIn};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use utoipa::ToSchema;

use super::listed::{Asked, ClaimingState, DeviceFilterParams};
use crate::{
    authentication::{Only, TenantAdmin},
    error::ApiError,
    extract::{PageParams, QueryParams},
    state::Shared,
    wire::PageJson,
};

/// Devices are looked at one by one, so there are not too many on a page.
const MOST: u32 = 1_000;
/// Devices that are looked at at once.
const AT_ONCE: usize = 16;

/// How it stands with claiming a device.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeviceClaiming)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClaimingJson {
    /// The device.
    #[schema(value_type = uuid::Uuid)]
    device_id: DeviceId,
    /// Its name.
    name: String,
    /// The name of its profile.
    #[serde(rename = "type")]
    device_type: String,
    /// A free text for people.
    label: Option<String>,
    /// When it was registered, milliseconds since the epoch.
    #[schema(value_type = i64)]
    created_time: Timestamp,
    /// `owned`; `open`: there is a key that claims it now or later; `ready`: there is none, and the device may register
    /// one; `closed`: it may not.
    #[schema(example = "open")]
    state: &'static str,
    /// The owner, if it has one.
    owner: Option<OwnerJson>,
    /// The switch `claimingAllowed`; null if it does not stand there.
    claiming_allowed: Option<bool>,
    /// Whether devices may register keys by the service's configuration, whatever the switch says.
    claiming_allowed_by_default: bool,
    /// How many keys work now or later. Those of an owned device claim nothing.
    keys: usize,
    /// When the next of them runs out, milliseconds since the epoch.
    #[schema(value_type = Option<i64>)]
    next_expiration: Option<Timestamp>,
}

/// Who owns a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OwningCustomer)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnerJson {
    /// The customer.
    #[schema(value_type = uuid::Uuid)]
    customer_id: CustomerId,
    /// Its title; null while it is being deleted.
    title: Option<String>,
}

/// List the tenant's devices with how it stands with claiming them
///
/// The search looks at name, label, type and the owner's title; sorted as `/api/tenant/deviceInfos`. At most 1,000 on a
/// page.
#[utoipa::path(
    get, path = "/api/devices/claiming", tag = "claiming", security(("bearer" = []), ("x-authorization" = [])),
    params(
        PageParams, DeviceFilterParams,
        ("state" = Option<String>, Query, description = "`owned`, `unowned`, or `open`: unowned, with a key that claims it \
         now or later. All devices if missing or empty."),
    ),
    responses(
        (status = 200, description = "A page of devices.", body = PageJson<ClaimingJson>),
        (status = 400, description = "The query makes no page or too long a one, or a filter is malformed."),
    )
)]
pub(crate) async fn devices_by_claiming(
    State(state): State<Shared>,
    Only(admin): Only<TenantAdmin>,
    query: QueryParams,
) -> Result<Json<PageJson<ClaimingJson>>, ApiError> {
    let now = state.clock.now();
    let wanted = ClaimingState::read(query.text("state"), "Query parameter 'state'")?;
    let asked = Asked::read(&query, admin.tenant_id, OwnedBy::Anybody, SearchedIn::TypeAndOwnerToo)?
        .in_state(wanted, now)
        .at_most(MOST)?;
    let list = asked.rows(&state).await?;
    let found: Vec<_> = stream::iter(list.rows)
        .map(|row| {
            let state = &state;
            async move {
                match state.claims.device(admin.tenant_id, row.device_id).await {
                    Ok(device) => Ok(Some((row.device_id, device))),
                    // It was removed a moment ago.
                    Err(Failure::Refused(Refusal::DeviceNotFound)) => Ok(None),
                    Err(failure) => Err(failure),
                }
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut owners: BTreeMap<CustomerId, OwnerJson> = BTreeMap::new();
    let mut rows = Vec::with_capacity(found.len());
    for (id, device) in found.into_iter().flatten() {
        let Device::Registered(device) = device else { continue };
        let owner = match device.owner_id() {
            None => None,
            Some(customer_id) => match owners.get(&customer_id) {
                Some(known) => Some(known.clone()),
                None => {
                    let title = state.accounts.customer(customer_id).await?.map(|customer| customer.title);
                    let owner = OwnerJson { customer_id, title };
                    owners.insert(customer_id, owner.clone());
                    Some(owner)
                }
            },
        };
        rows.push(ClaimingJson::of(id, *device, owner, state.claims.policy(), now));
    }
    Ok(Json(asked.page(list.total, rows)))
}

impl ClaimingJson {
    fn of(
        device_id: DeviceId,
        device: Registered,
        owner: Option<OwnerJson>,
        policy: &ClaimPolicy,
        now: Timestamp,
    ) -> Self {
        let keys = || device.keys.iter().filter(|key| !key.is_expired_at(now));
        let state = if owner.is_some() {
            "owned"
        } else if keys().next().is_some() {
            "open"
        } else if device.is_claiming_allowed(policy) {
            "ready"
        } else {
            "closed"
        };
        Self {
            device_id,
            created_time: device.registered_at,
            state,
            owner,
            claiming_allowed: device.switch.map(|switch| switch.allowed),
            claiming_allowed_by_default: policy.allow_by_default,
            keys: keys().count(),
            next_expiration: keys().map(|key| key.expires_at).min(),
            name: device.name,
            device_type: device.device_type,
            label: device.label,
        }
    }
}
