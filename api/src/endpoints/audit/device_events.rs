//! `GET /api/audit/devices/{deviceId}/events`.

use axum::{Json, extract::State};
use deed_domain::ports::Scope;

use super::{Slice, event::EventJson, log_reader::LogReader, require_device};
use crate::{
    authentication::{HistoryReader, Only},
    error::ApiError,
    extract::{PathParams, QueryParams},
    state::Shared,
};

/// Read a device's history
///
/// Read on with `after` = the last position. The history of a deleted device can be read, too. The keyed digest that is
/// stored of a claim key is left out.
#[utoipa::path(
    get, path = "/api/audit/devices/{deviceId}/events", tag = "audit",
    security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("deviceId" = uuid::Uuid, Path, description = "The device."),
        ("after" = Option<u64>, Query, description = "Events after this position; 0 if missing."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "At most so many; 100 if missing."),
    ),
    responses(
        (status = 200, description = "The events, oldest first.", body = [EventJson]),
        (status = 400, description = "A parameter is malformed."),
        (status = 404, description = "The tenant never had such a device."),
    )
)]
pub(crate) async fn device_events(
    State(state): State<Shared>,
    Only(reader): Only<HistoryReader>,
    path: PathParams,
    query: QueryParams,
) -> Result<Json<Vec<EventJson>>, ApiError> {
    let id = path.id("deviceId")?;
    let Slice { after, limit } = Slice::read(&query)?;
    require_device(&state, reader, id).await?;
    let events = LogReader::begin(&state.feed, Scope::Device(id), after).await?.take(limit).await?;
    events.into_iter().map(EventJson::of).collect::<Result<_, _>>().map(Json)
}
