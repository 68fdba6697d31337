//! What is measured now and then rather than when it happens.

use std::{sync::Arc, time::Duration};

use deed_adapters::Store;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(10);

/// Bounds of the histograms of times, seconds.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Bounds of the histogram of batch sizes, commands.
const SIZES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0];

/// Collects the metrics of the whole process from here on.
///
/// # Errors
/// [`BuildError`] if something collects them already.
pub(crate) fn collect() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_size".into()), &SIZES)?
        .install_recorder()
}

/// Measures until it is told to stop.
pub(crate) async fn measure(store: Arc<dyn Store>, metrics: PrometheusHandle, stopping: CancellationToken) {
    let mut interval = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            () = stopping.cancelled() => return,
        }
        metrics.run_upkeep();
        metrics::gauge!("deed_append_queue_length").set(store.queue_length() as f64);
        match store.projection_lags().await {
            Ok(lags) => {
                for (projection, events) in lags {
                    metrics::gauge!("deed_projection_lag_events", "projection" => projection).set(events as f64);
                }
            }
            Err(error) => tracing::warn!(%error, "the read models' lag could not be measured"),
        }
        match store.active_key_count().await {
            Ok(count) => metrics::gauge!("deed_active_keys").set(count as f64),
            Err(error) => tracing::warn!(%error, "active keys could not be counted"),
        }
    }
}
