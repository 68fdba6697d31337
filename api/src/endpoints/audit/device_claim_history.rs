//! `GET /api/audit/devices/{deviceId}/claim-history`.

use axum::{Json, extract::State};
use deed_domain::{
    ids::{CustomerId, KeyId, Position, UserId},
    time::Timestamp,
};
use deed_projections::ClaimHistoryRow;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Slice, require_device};
use crate::{
    authentication::{HistoryReader, Only},
    error::ApiError,
    extract::{PathParams, QueryParams},
    state::Shared,
};

/// A step of claiming.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClaimStep)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepJson {
    /// The event.
    #[schema(value_type = u64)]
    position: Position,
    /// When, milliseconds since the epoch.
    #[schema(value_type = i64)]
    at: Timestamp,
    /// The event's type.
    #[schema(example = "ClaimRefused")]
    step: &'static str,
    /// The key that it is about.
    #[schema(value_type = Option<uuid::Uuid>)]
    key_id: Option<KeyId>,
    /// The customer that it is about.
    #[schema(value_type = Option<uuid::Uuid>)]
    customer_id: Option<CustomerId>,
    /// The person who claimed or tried to.
    #[schema(value_type = Option<uuid::Uuid>)]
    user_id: Option<UserId>,
    /// Why, where there is a reason; for an issued key, who issued it.
    #[schema(example = "wrong-key")]
    reason: Option<&'static str>,
    /// How many times: 1, and earlier refusals of the kind that have no event of their own.
    times: u32,
}

impl From<ClaimHistoryRow> for StepJson {
    fn from(row: ClaimHistoryRow) -> Self {
        Self {
            position: row.position,
            at: row.at,
            step: row.step,
            key_id: row.key_id,
            customer_id: row.customer_id,
            user_id: row.user_id,
            reason: row.reason,
            times: row.times,
        }
    }
}

/// Read how a device was claimed
///
/// Keys, claims, refusals and changes of owner. Read on with `after` = the last position.
#[utoipa::path(
    get, path = "/api/audit/devices/{deviceId}/claim-history", tag = "audit",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("deviceId" = uuid::Uuid, Path, description = "The device."),
        ("after" = Option<u64>, Query, description = "Steps after this position; 0 if missing."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "At most so many; 100 if missing."),
    ),
    responses(
        (status = 200, description = "The steps, oldest first.", body = [StepJson]),
        (status = 400, description = "A parameter is malformed."),
        (status = 404, description = "The tenant never had such a device."),
    )
)]
pub(crate) async fn device_claim_history(
    State(state): State<Shared>,
    Only(reader): Only<HistoryReader>,
    path: PathParams,
    query: QueryParams,
) -> Result<Json<Vec<StepJson>>, ApiError> {
    let id = path.id("deviceId")?;
    let Slice { after, limit } = Slice::read(&query)?;
    require_device(&state, reader, id).await?;
    let rows = state.read_models.claim_history(id, after, limit).await?;
    Ok(Json(rows.into_iter().map(StepJson::from).collect()))
}
