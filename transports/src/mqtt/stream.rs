//! The bytes of a connection.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::{sleep, timeout},
};

use super::wire::Wire;

/// How long a client may leave unread what it is sent.
const WRITE: Duration = Duration::from_secs(30);
/// The same once the connection ends.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Bytes that are read at once.
const READ: usize = 4_096;

/// A stream of bytes to a client.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Reads what has come. The buffer of the socket is a place on the stack, as most connections are silent most of the time.
pub(super) async fn read<S: Stream>(stream: &mut S, into: &mut Vec<u8>) -> io::Result<usize> {
    poll_fn(|context| {
        let mut bytes = [0; READ];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
        into.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    })
    .await
}

/// Sends what is to be sent. Less patience is left from when on the connection `ends`.
///
/// # Errors
/// The client does not read it, or is gone.
pub(super) async fn flush<S: Stream>(
    stream: &mut S,
    wire: &mut Wire,
    ends: impl Future<Output = ()>,
) -> io::Result<()> {
    if wire.outgoing_bytes() == 0 {
        return Ok(());
    }
    let bytes = wire.outgoing();
    let sending = async {
        stream.write_all(&bytes).await?;
        stream.flush().await
    };
    let ending = async {
        ends.await;
        sleep(LAST_WORDS).await;
    };
    tokio::select! {
        biased;
        sent = sending => sent,
        () = ending => Err(io::ErrorKind::TimedOut.into()),
        () = sleep(WRITE) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Says that nothing more is sent.
pub(super) async fn close<S: Stream>(stream: &mut S) {
    // A client that is gone has heard it.
    let _ = timeout(LAST_WORDS, stream.shutdown()).await;
}
