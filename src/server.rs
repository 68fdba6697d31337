//! Listens, serves, and stops in order.

use std::{io, time::Duration};

use axum::serve::ListenerExt;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    task::{JoinError, JoinHandle, JoinSet},
};

use crate::{gauges, wiring::Service};

/// What is in progress when the service is told to stop gets this long to end.
const GRACE: Duration = Duration::from_secs(30);
/// The status of a process that a second signal ended.
const STOPPED_AT_ONCE: i32 = 130;

/// The signals that end the service.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches them from here on.
    ///
    /// # Errors
    /// What the system says against it.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Serves until a signal comes, then finishes what has been accepted and closes the store. A second signal ends the
/// process at once; nothing that was acknowledged is lost by that either.
///
/// # Errors
/// What the system says against serving.
pub(crate) async fn serve(
    service: Service,
    listener: TcpListener,
    metrics: PrometheusHandle,
    mut signals: Signals,
) -> io::Result<()> {
    let Service { store, router, expiry, readiness, stopping, .. } = service;
    let mut background = JoinSet::new();
    background.spawn(expiry.run(stopping.clone()));
    background.spawn(gauges::measure(store.clone(), metrics, stopping.clone()));

    let listener = listener.tap_io(|connection| {
        // Answers are small and whole: waiting for more to send would only delay them.
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let server = axum::serve(listener, router).with_graceful_shutdown(stopping.clone().cancelled_owned());
    let mut server = tokio::spawn(server.into_future());

    let ended = loop {
        tokio::select! {
            ended = &mut server => break Some(ended),
            () = signals.next() => break None,
            // Requests are answered all the same; what is amiss has to be seen.
            Some(task) = background.join_next() => report(task),
        }
    };
    tracing::info!("stopping: finishing what has been accepted");
    readiness.drain();
    stopping.cancel();
    tokio::spawn(async move {
        signals.next().await;
        end_at_once();
    });
    let result = match ended {
        Some(ended) => ended.map_err(io::Error::other).flatten(),
        None => finish(server).await,
    };
    while let Some(task) = background.join_next().await {
        report(task);
    }
    store.close().await;
    tracing::info!("stopped");
    result
}

fn report(task: Result<(), JoinError>) {
    if let Err(error) = task {
        tracing::error!(%error, "a background task failed");
    }
}

/// Waits for the requests in progress, but not for ever.
async fn finish(mut server: JoinHandle<io::Result<()>>) -> io::Result<()> {
    match tokio::time::timeout(GRACE, &mut server).await {
        Ok(ended) => ended.map_err(io::Error::other).flatten(),
        Err(_) => {
            tracing::warn!(seconds = GRACE.as_secs(), "requests still in progress are cut off");
            server.abort();
            Ok(())
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever sends a second signal does not want to wait for anything")]
fn end_at_once() -> ! {
    std::process::exit(STOPPED_AT_ONCE)
}
