//! A tenant's log as server-sent events: what is there, then what comes, until the service stops or who reads it may no
//! longer.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use deed_domain::{
    ids::Position,
    ports::{RecordedEvent, Scope, Subscription},
};
use futures_util::stream;
use tokio::time::{Instant, timeout_at};

use super::{MOST_POSITION, event::EventJson, unreadable};
use crate::{
    authentication::{HistoryReader, Role, principal},
    error::ApiError,
    extract::number_of,
    limits::OpenStream,
    state::Shared,
};

pub(super) const EVENT_STREAM: &str = "text/event-stream";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that gather what comes before they pass it on do not with this one.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// How long nothing is sent before a comment is, so that nobody in between takes the connection for a dead one.
const SILENCE: Duration = Duration::from_secs(15);
const COMMENT: &[u8] = b": \n\n";
/// Whoever reads it tries again after so many milliseconds when it has ended.
const RETRY: &[u8] = b"retry: 2000\n\n";

/// The id of the last event that somebody got before the connection broke, as browsers send it by themselves.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<Position>, ApiError> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    Ok(Some(Position(number_of("Header 'Last-Event-ID'", text, 0..=MOST_POSITION)?)))
}

/// The events of the reader's tenant after a position, with what the request was let in by.
///
/// # Errors
/// [`ApiError::TooManyStreams`].
pub(super) fn follow(
    state: Shared,
    reader: HistoryReader,
    headers: HeaderMap,
    after: Position,
) -> Result<Response, ApiError> {
    let place = state.streams.open(reader.tenant_id)?;
    let events = state.feed.subscribe(Scope::Tenant(reader.tenant_id), after);
    let live = Live { state, reader, headers, events, begun: false, _place: place };
    let body = Body::from_stream(stream::try_unfold(live, |mut live| async move {
        let sent = live.next().await.inspect_err(|error| {
            tracing::error!(error = %error, "the live stream of a tenant's log broke off");
        })?;
        Ok::<_, ApiError>(sent.map(|chunk| (chunk, live)))
    }));
    let unbuffered = (X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM)), unbuffered], body).into_response())
}

struct Live {
    state: Shared,
    reader: HistoryReader,
    headers: HeaderMap,
    events: Box<dyn Subscription>,
    begun: bool,
    _place: OpenStream,
}

impl Live {
    /// What is sent next; nothing at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        if !self.begun {
            self.begun = true;
            return Ok(Some(Bytes::from_static(RETRY)));
        }
        let silent_until = Instant::now() + SILENCE;
        let page = tokio::select! {
            biased;
            () = self.state.readiness.drained() => return Ok(None),
            page = timeout_at(silent_until, self.events.next()) => page,
        };
        let chunk = match page {
            Ok(page) => written(page?.events)?,
            Err(_) => Bytes::from_static(COMMENT),
        };
        // After the waiting: who was let in when it began may have been shown out since.
        Ok(self.is_let_in().await?.then_some(chunk))
    }

    // Exclusive, as the reader of the log cannot be shared between threads.
    async fn is_let_in(&mut self) -> Result<bool, ApiError> {
        match principal(&self.state, &self.headers).await {
            Ok(principal) => Ok(HistoryReader::of(&principal) == Some(self.reader)),
            Err(ApiError::Unauthenticated(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn written(events: Vec<RecordedEvent>) -> Result<Bytes, ApiError> {
    let mut chunk = Vec::new();
    for event in events {
        let position = event.position;
        chunk.extend_from_slice(format!("id: {position}\nevent: {}\ndata: ", event.event_type).as_bytes());
        serde_json::to_writer(&mut chunk, &EventJson::of(event)?).map_err(|error| unreadable(position, &error))?;
        chunk.extend_from_slice(b"\n\n");
    }
    Ok(chunk.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_is_a_position() {
        let read = |text: &'static str| {
            let headers = HeaderMap::from_iter([(LAST_EVENT_ID, HeaderValue::from_static(text))]);
            last_event_id(&headers).map_err(|error| error.to_string())
        };
        assert_eq!(last_event_id(&HeaderMap::new()).unwrap(), None);
        assert_eq!(read("42"), Ok(Some(Position(42))));
        for text in ["", "x", "-1.5", "1,2"] {
            assert_eq!(read(text), Err("Header 'Last-Event-ID' must be a whole number".into()), "{text}");
        }
        assert_eq!(read("-1"), Err("Header 'Last-Event-ID' is out of range".into()));
    }
}
