//! MQTT inside a WebSocket, on the HTTP port (`docs/protocol.md`, MQTT).

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::StatusCode,
    response::Response,
    routing::get,
};
use futures_util::{Sink, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Mqtt;
use crate::http::faulty;

/// The subprotocol, without which this is no MQTT, and what it was called before it was one.
const SUBPROTOCOLS: [&str; 2] = ["mqtt", "mqttv3.1"];
/// Bytes that are read at once.
const READ: usize = 4_096;
/// What a frame may be longer than the largest packet's remainder: its fixed header.
const HEADER: usize = 5;

/// The route, without a fallback.
pub fn router(mqtt: Arc<Mqtt>) -> Router {
    Router::new().route("/mqtt", get(upgrade)).with_state(mqtt)
}

/// The client speaks something else.
#[derive(Debug, thiserror::Error)]
#[error("this is MQTT inside a WebSocket of the subprotocol `mqtt`")]
struct NotMqtt;

/// From where an HTTP connection comes: an extension of its requests.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub IpAddr);

/// There are as many connections as there may be.
#[derive(Debug, thiserror::Error)]
#[error("there are as many connections as there may be")]
struct TooManyConnections;

async fn upgrade(
    State(mqtt): State<Arc<Mqtt>>,
    from: Option<Extension<PeerAddress>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else { return faulty(StatusCode::BAD_REQUEST, NotMqtt) };
    let longest = mqtt.settings.max_payload.saturating_add(HEADER);
    let upgrade = upgrade.read_buffer_size(READ).max_frame_size(longest).max_message_size(longest);
    // What is sent is flushed as a whole: nothing is gained by collecting it here.
    let upgrade = upgrade.write_buffer_size(0).protocols(SUBPROTOCOLS);
    if upgrade.selected_protocol().is_none() {
        return faulty(StatusCode::BAD_REQUEST, NotMqtt);
    }
    let from = from.map_or(IpAddr::from([0, 0, 0, 0]), |Extension(PeerAddress(from))| from);
    let Some(arrival) = mqtt.arrive(from) else { return faulty(StatusCode::SERVICE_UNAVAILABLE, TooManyConnections) };
    upgrade.on_upgrade(|socket| mqtt.serve(arrival, Inside::new(socket), None))
}

/// The bytes inside the binary frames of a WebSocket; where a frame ends means nothing.
struct Inside {
    socket: WebSocket,
    unread: Bytes,
}

impl Inside {
    const fn new(socket: WebSocket) -> Self {
        Self { socket, unread: Bytes::new() }
    }
}

fn broken(error: axum::Error) -> io::Error {
    io::Error::other(error)
}

impl AsyncRead for Inside {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match ready!(self.socket.poll_next_unpin(context)) {
                Some(Ok(Message::Binary(bytes))) => self.unread = bytes,
                // A ping is answered by the library.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(_))) => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(broken(error))),
            }
        }
        let length = self.unread.len().min(into.remaining());
        into.put_slice(&self.unread.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Inside {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut socket = Pin::new(&mut self.socket);
        ready!(socket.as_mut().poll_ready(context)).map_err(broken)?;
        socket.start_send(Message::Binary(Bytes::copy_from_slice(bytes))).map_err(broken)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context).map_err(broken)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(context).map_err(broken)
    }
}
