//! `GET /api/audit/devices/{deviceId}/ownership`.

use axum::{Json, extract::State};
use deed_domain::{
    ids::{CustomerId, Epoch, Position},
    time::Timestamp,
};
use deed_projections::{OwnershipSpan, SpanEnd};
use serde::Serialize;
use utoipa::ToSchema;

use super::require_device;
use crate::{
    authentication::{HistoryReader, Only},
    error::ApiError,
    extract::PathParams,
    state::Shared,
    wire::AcquiredJson,
};

/// One ownership of a device.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ownership)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnershipJson {
    /// 1, 2, 3 …
    #[schema(value_type = u32)]
    epoch: Epoch,
    /// The owner.
    #[schema(value_type = uuid::Uuid)]
    customer_id: CustomerId,
    /// How it began.
    acquired: AcquiredJson,
    /// The event that began it.
    #[schema(value_type = u64)]
    from_position: Position,
    /// When it began, milliseconds since the epoch.
    #[schema(value_type = i64)]
    from_time: Timestamp,
    /// How it ended: `reclaimed`, `unassigned`, `reassigned`, `customer-deleted` or `removed`; null while it lasts.
    end: Option<&'static str>,
    /// The event that ended it.
    #[schema(value_type = Option<u64>)]
    to_position: Option<Position>,
    /// When it ended.
    #[schema(value_type = Option<i64>)]
    to_time: Option<Timestamp>,
}

impl From<OwnershipSpan> for OwnershipJson {
    fn from(span: OwnershipSpan) -> Self {
        Self {
            epoch: span.epoch,
            customer_id: span.customer_id,
            acquired: span.start.into(),
            from_position: span.from_position,
            from_time: span.from_time,
            end: span.end.map(SpanEnd::as_str),
            to_position: span.to_position,
            to_time: span.to_time,
        }
    }
}

/// Read who owned a device
#[utoipa::path(
    get, path = "/api/audit/devices/{deviceId}/ownership", tag = "audit",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceId" = uuid::Uuid, Path, description = "The device.")),
    responses(
        (status = 200, description = "Every ownership, oldest first. The last one may be open.", body = [OwnershipJson]),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "The tenant never had such a device."),
    )
)]
pub(crate) async fn device_ownership(
    State(state): State<Shared>,
    Only(reader): Only<HistoryReader>,
    path: PathParams,
) -> Result<Json<Vec<OwnershipJson>>, ApiError> {
    let id = path.id("deviceId")?;
    require_device(&state, reader, id).await?;
    let spans = state.read_models.ownerships(id).await?;
    Ok(Json(spans.into_iter().map(OwnershipJson::from).collect()))
}
