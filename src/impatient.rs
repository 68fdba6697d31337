//! Connections whose other end leaves unread what it is sent.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    select,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// How long a client may take nothing of what it is sent.
pub(crate) const UNREAD: Duration = Duration::from_secs(75);
/// The same once the service stops.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(3);

/// A connection that breaks when nothing could be written to it for that long. Whoever reads, however slowly, is waited for.
pub(crate) struct Impatient<S> {
    stream: S,
    stopping: CancellationToken,
    /// Ends when there is no patience left; nothing while the other end reads.
    patience: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<S> Impatient<S> {
    pub(crate) fn new(stream: S, stopping: CancellationToken) -> Self {
        Self { stream, stopping, patience: None }
    }

    /// Passes on how writing went, and gives up if it has not for too long.
    fn judge(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.patience = None;
            return written;
        }
        let stopping = &self.stopping;
        let patience = self.patience.get_or_insert_with(|| Box::pin(patience(stopping.clone())));
        patience.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

async fn patience(stopping: CancellationToken) {
    let ending = async {
        stopping.cancelled().await;
        sleep(LAST_WORDS).await;
    };
    select! {
        () = ending => {}
        () = sleep(UNREAD) => {}
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
