//! `GET /api/audit/events`: a tenant's log, as an array, as a stream of lines, or live.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use deed_domain::{
    ids::Position,
    ports::{RecordedEvent, Scope},
    time::Timestamp,
};
use futures_util::stream;

use super::{
    event::EventJson,
    live::{self, EVENT_STREAM},
    log_reader::LogReader,
};
use crate::{
    authentication::{HistoryReader, Only},
    error::{ApiError, accepts},
    extract::QueryParams,
    state::{ApiState, Shared},
};

const NDJSON: &str = "application/x-ndjson";
/// Events that are read at once for the stream.
const PAGE: usize = 500;

/// Read the tenant's log
///
/// As an array; or, for `Accept: application/x-ndjson`, as a stream of one JSON object per line that ends with what was
/// recorded when it began; or, for `Accept: text/event-stream`, as server-sent events that go on with what happens, until
/// the service stops or the caller's credentials are no longer good. A stream that breaks off is to be read on after its
/// last event.
#[utoipa::path(
    get, path = "/api/audit/events", tag = "audit", security(("bearer" = []), ("x-authorization" = [])),
    params(
        ("after" = Option<u64>, Query, description = "Events after this position; 0 if missing."),
        ("since" = Option<i64>, Query,
         description = "Instead of `after`: events that were recorded then or later, milliseconds since the epoch."),
        ("limit" = Option<u64>, Query, minimum = 1,
         description = "At most so many. An array has 100 if it is missing, and never more than 1,000; a stream of lines has \
                        no limit then, and server-sent events never have one."),
        ("Last-Event-ID" = Option<u64>, Header,
         description = "For server-sent events: the id of the last one that the caller got. Wins over the parameters."),
    ),
    responses(
        (status = 200, description = "The events in the order of the log.", content(
            ([EventJson] = "application/json"),
            (EventJson = "application/x-ndjson"),
            (String = "text/event-stream"),
        )),
        (status = 400, description = "A parameter is malformed, or there are both `after` and `since`."),
        (status = 429, description = "The tenant has sent as much as it may, or 100 of its people's streams of server-sent events \
                                      are open. `Retry-After` says how long to wait."),
    )
)]
pub(crate) async fn tenant_events(
    State(state): State<Shared>,
    Only(reader): Only<HistoryReader>,
    query: QueryParams,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let after = after_or_since(&state, &query).await?;
    if accepts(&headers, EVENT_STREAM) {
        let after = live::last_event_id(&headers)?.unwrap_or(after);
        return live::follow(state, reader, headers, after);
    }
    let scope = Scope::Tenant(reader.tenant_id);
    if accepts(&headers, NDJSON) {
        let limit = query.number("limit", 1..=usize::MAX)?.unwrap_or(usize::MAX);
        let log = LogReader::begin(&state.feed, scope, after).await?;
        return Ok(([(header::CONTENT_TYPE, NDJSON)], lines(log, limit)).into_response());
    }
    let limit = super::limit(&query)?;
    let events = LogReader::begin(&state.feed, scope, after).await?.take(limit).await?;
    let events = events.into_iter().map(EventJson::of).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(events).into_response())
}

/// Where to begin, by position or by time.
async fn after_or_since(state: &ApiState, query: &QueryParams) -> Result<Position, ApiError> {
    match (super::after(query)?, query.number("since", i64::MIN..=i64::MAX)?) {
        (Some(_), Some(_)) => Err(ApiError::malformed("There can be 'after' or 'since', not both")),
        (None, Some(since)) => Ok(state.feed.position_before(Timestamp(since)).await?),
        (after, None) => Ok(after.unwrap_or(Position(0))),
    }
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
