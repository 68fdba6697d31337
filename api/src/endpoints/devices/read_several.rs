//! `GET /api/devices?deviceIds=`.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use deed_domain::ids::DeviceId;

use crate::{
    authentication::{DeviceReader, Only},
    error::ApiError,
    extract::{QueryParams, uuid},
    state::Shared,
    wire::DeviceJson,
};

/// Read several devices
///
/// In the order of the ids. Devices that are not there, or that the caller may not see, are left out.
#[utoipa::path(
    get, path = "/api/devices", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceIds" = String, Query, description = "Ids, separated by commas.",
            example = "784f394c-42b6-11f0-983c-b7beff2784f9")),
    responses(
        (status = 200, description = "The devices.", body = Vec<DeviceJson>),
        (status = 400, description = "No ids are given, or one is no UUID."),
    )
)]
pub(crate) async fn devices(
    State(state): State<Shared>,
    Only(DeviceReader(user)): Only<DeviceReader>,
    query: QueryParams,
) -> Result<Json<Vec<DeviceJson>>, ApiError> {
    if query.text("deviceIds").is_none() {
        return Err(ApiError::malformed("Query parameter 'deviceIds' is missing"));
    }
    let ids = query.all("deviceIds").flat_map(|ids| ids.split(',')).map(str::trim).filter(|id| !id.is_empty());
    let (mut seen, mut devices) = (BTreeSet::new(), Vec::new());
    for id in ids.map(|id| uuid(id).map(DeviceId)).collect::<Result<Vec<_>, _>>()? {
        if seen.insert(id)
            && let Some(row) = state.read_models.device(id).await?
            && row.tenant_id == user.tenant_id()
            && user.may_use(row.customer_id)
        {
            devices.push(super::complete(&state, row).await?);
        }
    }
    Ok(Json(devices))
}
