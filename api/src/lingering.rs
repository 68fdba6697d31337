//! Bodies that nobody reads to their end.
//!
//! A request can be answered before all of its body has come: it is too large, or its sender may not send it. A
//! connection that is closed while its client still sends takes the answer away from it, so what still comes is read
//! and thrown away, for a while.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Error,
    body::{Body, Bytes, HttpBody},
};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::{runtime::Handle, time::timeout};

/// How long a rest may take in all.
const LONGEST: Duration = Duration::from_secs(30);
/// How long its sender may be silent.
const SILENCE: Duration = Duration::from_secs(5);

/// A request's body whose rest is read away when it is dropped.
pub(crate) struct Lingering(Body);

impl Lingering {
    pub(crate) fn around(body: Body) -> Body {
        if body.is_end_stream() { body } else { Body::new(Self(body)) }
    }
}

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.0).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = frame {
            self.0 = Body::empty();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if let Ok(runtime) = Handle::try_current()
            && !self.0.is_end_stream()
        {
            let mut rest = std::mem::take(&mut self.0);
            runtime.spawn(timeout(LONGEST, async move {
                while let Ok(Some(Ok(_))) = timeout(SILENCE, rest.frame()).await {}
            }));
        }
    }
}
