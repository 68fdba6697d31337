//! `GET /api/audit/devices`.

use axum::{Json, extract::State};
use deed_domain::{
    ids::{CustomerId, DeviceId},
    time::Timestamp,
};
use deed_projections::{DeviceRow, OwnedBy, SearchedIn};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    authentication::{HistoryReader, Only},
    endpoints::devices::{Asked, DeviceFilterParams},
    error::ApiError,
    extract::{PageParams, QueryParams},
    state::Shared,
    wire::PageJson,
};

/// A device whose history can be read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditedDevice)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditedJson {
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
    /// The owner; null if it has none.
    #[schema(value_type = Option<uuid::Uuid>)]
    customer_id: Option<CustomerId>,
}

impl From<DeviceRow> for AuditedJson {
    fn from(row: DeviceRow) -> Self {
        Self {
            device_id: row.device_id,
            name: row.name,
            device_type: row.device_type,
            label: row.label,
            created_time: row.created_at,
            customer_id: row.customer_id,
        }
    }
}

/// List the tenant's devices, to read their histories
///
/// The search looks at name, label, type and the owner's title; sorted as `/api/tenant/deviceInfos`. Devices that were
/// deleted are not in it.
#[utoipa::path(
    get, path = "/api/audit/devices", tag = "audit", security(("bearer" = []), ("x-authorization" = [])),
    params(PageParams, DeviceFilterParams),
    responses(
        (status = 200, description = "A page of devices.", body = PageJson<AuditedJson>),
        (status = 400, description = "The query makes no page, or a filter is malformed."),
    )
)]
pub(crate) async fn audited_devices(
    State(state): State<Shared>,
    Only(reader): Only<HistoryReader>,
    query: QueryParams,
) -> Result<Json<PageJson<AuditedJson>>, ApiError> {
    let asked = Asked::read(&query, reader.tenant_id, OwnedBy::Anybody, SearchedIn::TypeAndOwnerToo)?;
    let list = asked.rows(&state).await?;
    Ok(Json(asked.page(list.total, list.rows.into_iter().map(AuditedJson::from).collect())))
}
