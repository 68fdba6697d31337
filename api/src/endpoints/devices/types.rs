//! `GET /api/device/types`.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    authentication::{DeviceUser, Only},
    error::ApiError,
    state::Shared,
    wire::EntityId,
};

/// The type of some devices.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceTypeJson {
    /// Whose devices they are.
    tenant_id: EntityId,
    /// `DEVICE`.
    #[schema(example = "DEVICE")]
    entity_type: &'static str,
    /// The name of their profile.
    #[serde(rename = "type")]
    #[schema(example = "default")]
    device_type: String,
}

/// List the types of the tenant's devices
#[utoipa::path(
    get, path = "/api/device/types", tag = "devices", security(("bearer" = []), ("x-authorization" = [])),
    responses((status = 200, description = "The types that devices have, in their order.", body = Vec<DeviceTypeJson>)),
)]
pub(crate) async fn device_types(
    State(state): State<Shared>,
    Only(user): Only<DeviceUser>,
) -> Result<Json<Vec<DeviceTypeJson>>, ApiError> {
    let tenant_id = user.tenant_id();
    let types = state.read_models.device_types(tenant_id).await?;
    let json = |device_type| DeviceTypeJson {
        tenant_id: EntityId::tenant(Some(tenant_id)),
        entity_type: "DEVICE",
        device_type,
    };
    Ok(Json(types.into_iter().map(json).collect()))
}
