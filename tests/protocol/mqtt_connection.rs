//! What a client over the network cannot bring about, or not soon.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use deed_adapters::surroundings::OsEntropy;
use deed_transports::mqtt::{Mqtt, MqttSettings};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::site::Site;

fn mqtt(site: &Site) -> Arc<Mqtt> {
    let settings = MqttSettings {
        max_payload: 65_536,
        idle_limit: Duration::from_secs(600),
        legacy_ack: false,
        closes_on_refusal: false,
        takes_expired_certificates: false,
    };
    Mqtt::new(site.protocol.clone(), settings, Arc::new(OsEntropy), &*site.store, CancellationToken::new())
}

/// Reading from it is a fault of the service.
struct Faulty;

impl AsyncRead for Faulty {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        panic!("on purpose");
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_fault_of_the_service_ends_one_connection_and_is_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let site = Site::open(true).await;
            let mqtt = mqtt(&site);
            Arc::clone(&mqtt).serve(Faulty, None).await;
            mqtt.ended().await;
        });
    });
    let metrics = recorder.handle().render();
    assert!(metrics.contains("deed_connection_panics_total{transport=\"mqtt\"} 1\n"), "{metrics}");
    assert!(metrics.contains("deed_mqtt_connections 0\n"), "{metrics}");
}

#[tokio::test]
async fn who_adds_itself_has_a_minute() {
    let site = Site::open(true).await;
    let mqtt = mqtt(&site);
    tokio::time::pause();
    let (mut client, service) = tokio::io::duplex(4_096);
    let began = Instant::now();
    tokio::spawn(mqtt.serve(service, None));
    client.write_all(b"\x10\x19\x00\x04MQTT\x05\x82\x00\x00\x00\x00\x01c\x00\x09provision").await.unwrap();
    let mut told = Vec::new();
    client.read_to_end(&mut told).await.unwrap();
    assert_eq!((told[0], told[3]), (0x20, 0), "it was let in: {told:02x?}");
    assert_eq!(told[told.len() - 4..], [0xe0, 2, 0xa0, 0]);
    assert!((59..62).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}
