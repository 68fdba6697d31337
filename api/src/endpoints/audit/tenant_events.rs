//! `GET /api/audit/events`: a tenant's log, as an array or as a stream of lines.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use deed_domain::ports::{RecordedEvent, Scope};
use futures_util::stream;

use super::{Slice, event::EventJson, log_reader::LogReader};
use crate::{
    authentication::{HistoryReader, Only},
    error::{ApiError, accepts},
    extract::QueryParams,
    state::Shared,
};

const NDJSON: &str = "application/x-ndjson";
/// Events that are read at once for the stream.
const PAGE: usize = 500;

/// Read the tenant's log
///
/// As an array, or, for `Accept: application/x-ndjson`, as a stream of one JSON object per line that ends with what was
/// recorded when it began. A stream that breaks off is to be read on after its last line.
#[utoipa::path(
    get, path = "/api/audit/events", tag = "audit", security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("after" = Option<u64>, Query, description = "Events after this position; 0 if missing."),
        ("limit" = Option<u64>, Query, minimum = 1,
         description = "At most so many. An array has 100 if it is missing, and never more than 1,000; a stream has no limit."),
    ),
    responses(
        (status = 200, description = "The events in the order of the log.", content(
            ([EventJson] = "application/json"),
            (EventJson = "application/x-ndjson"),
        )),
        (status = 400, description = "A parameter is malformed."),
    )
)]
pub(crate) async fn tenant_events(
    State(state): State<Shared>,
    Only(reader): Only<HistoryReader>,
    query: QueryParams,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let scope = Scope::Tenant(reader.tenant_id);
    if accepts(&headers, NDJSON) {
        let limit = query.number("limit", 1..=usize::MAX)?.unwrap_or(usize::MAX);
        let after = super::after(&query)?;
        let log = LogReader::begin(&state.feed, scope, after).await?;
        return Ok(([(header::CONTENT_TYPE, NDJSON)], lines(log, limit)).into_response());
    }
    let Slice { after, limit } = Slice::read(&query)?;
    let events = LogReader::begin(&state.feed, scope, after).await?.take(limit).await?;
    let events = events.into_iter().map(EventJson::of).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(events).into_response())
}

/// A fault in the middle breaks the connection off, so that nobody takes a part for the whole.
fn lines(log: LogReader, limit: usize) -> Body {
    Body::from_stream(stream::try_unfold((log, limit), |(mut log, left)| async move {
        let page = next_page(&mut log, left.min(PAGE)).await.inspect_err(|error| {
            tracing::error!(error = %error, "the stream of a tenant's log broke off");
        })?;
        Ok::<_, ApiError>(page.map(|(chunk, events)| (chunk, (log, left - events))))
    }))
}

async fn next_page(log: &mut LogReader, limit: usize) -> Result<Option<(Bytes, usize)>, ApiError> {
    let events = log.next(limit).await?;
    let count = events.len();
    let mut chunk = Vec::new();
    events.into_iter().try_for_each(|event| write_line(&mut chunk, event))?;
    Ok((count > 0).then(|| (chunk.into(), count)))
}

fn write_line(chunk: &mut Vec<u8>, event: RecordedEvent) -> Result<(), ApiError> {
    let position = event.position;
    serde_json::to_writer(&mut *chunk, &EventJson::of(event)?).map_err(|error| super::unreadable(position, &error))?;
    chunk.push(b'\n');
    Ok(())
}
