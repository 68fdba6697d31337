//! Connections whose other end leaves unread what it is sent.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
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
        ready!(patience.as_mut().poll(context));
        // Whoever tries again, as to say farewell, is not waited for once more.
        self.patience = Some(Box::pin(poll_fn(|_| Poll::Ready(()))));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_given_up_for_good() {
        let (stream, _unread) = duplex(1);
        let mut stream = Impatient::new(stream, CancellationToken::new());
        stream.write_all(b"a").await.unwrap();
        for _ in 0..2 {
            assert_eq!(stream.write_all(b"b").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        }
    }
}
