//! What a client over the network cannot bring about, or not soon.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use deed_adapters::{sqlite::SqliteStore, surroundings::OsEntropy};
use deed_domain::{
    claims::ProfileChoice,
    device::Device,
    ids::{DeviceId, Sequence},
    ports::{Append, AppendError, Appended, Credentials, EventStore, StoreError},
};
use deed_transports::mqtt::{Mqtt, MqttSettings};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf},
    sync::RwLock,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::site::Site;

fn mqtt(site: &Site) -> Arc<Mqtt> {
    let settings = MqttSettings {
        most_connections: 16,
        max_payload: 65_536,
        idle_limit: Duration::from_secs(600),
        legacy_ack: false,
        closes_on_refusal: false,
        takes_expired_certificates: false,
    };
    Mqtt::new(site.protocol.clone(), settings, Arc::new(OsEntropy), site.store.clone(), CancellationToken::new())
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
            Arc::clone(&mqtt).serve(mqtt.arrive([127, 0, 0, 1].into()).unwrap(), Faulty, None).await;
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
    tokio::spawn(Arc::clone(&mqtt).serve(mqtt.arrive([127, 0, 0, 1].into()).unwrap(), service, None));
    client.write_all(b"\x10\x19\x00\x04MQTT\x05\x82\x00\x00\x00\x00\x01c\x00\x09provision").await.unwrap();
    let mut told = Vec::new();
    client.read_to_end(&mut told).await.unwrap();
    assert_eq!((told[0], told[3]), (0x20, 0), "it was let in: {told:02x?}");
    assert_eq!(told[told.len() - 4..], [0xe0, 2, 0xa0, 0]);
    assert!((59..62).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

/// A store that carries nothing out while it is shut.
struct Gate {
    store: Arc<SqliteStore>,
    shut: RwLock<()>,
    under_way: AtomicUsize,
    carried_out: AtomicUsize,
}

#[async_trait]
impl EventStore for Gate {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let _open = self.shut.read().await;
        let appended = self.store.append(append).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        self.carried_out.fetch_add(1, Ordering::SeqCst);
        appended
    }

    async fn load(&self, device_id: DeviceId) -> Result<(Device, Sequence), StoreError> {
        self.store.load(device_id).await
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        self.store.check_writable().await
    }
}

/// A site behind a gate, and the CONNECT of a device that is there.
async fn gated() -> (Site, Arc<Gate>, Vec<u8>) {
    let mut gate = None;
    let site = Site::open_over(true, |store| {
        let shut = RwLock::default();
        let made = Arc::new(Gate { store, shut, under_way: AtomicUsize::new(0), carried_out: AtomicUsize::new(0) });
        gate = Some(made.clone());
        made
    })
    .await;
    let device = site.add("Comes again", None, ProfileChoice::Default).await;
    let token = site.store.of_device(device.device_id).await.unwrap().unwrap().credentials_id;
    let token = token.expose().as_bytes();
    let length = u8::try_from(token.len()).unwrap();
    let connect = [&[0x10, 15 + length], &b"\x00\x04MQTT\x04\x82\x00\x00\x00\x01c\x00"[..], &[length], token].concat();
    let gate = gate.unwrap();
    gate.carried_out.store(0, Ordering::SeqCst);
    (site, gate, connect)
}

/// A client that is let in and sends that.
async fn let_in(mqtt: &Arc<Mqtt>, connect: &[u8], bytes: &[u8]) -> DuplexStream {
    let (mut client, service) = tokio::io::duplex(65_536);
    tokio::spawn(Arc::clone(mqtt).serve(mqtt.arrive([127, 0, 0, 1].into()).unwrap(), service, None));
    client.write_all(connect).await.unwrap();
    let mut connack = [0; 4];
    client.read_exact(&mut connack).await.unwrap();
    assert_eq!(connack, [0x20, 2, 0, 0]);
    client.write_all(bytes).await.unwrap();
    // Nothing tells when the service has read it.
    sleep(Duration::from_millis(100)).await;
    client
}

fn claims(qos: u8, many: u8) -> Vec<u8> {
    let id: fn(u8) -> Vec<u8> = |n| vec![0, n];
    let one = |n| match qos {
        0 => b"\x30\x06\x00\x04v2/c".to_vec(),
        _ => [&b"\x32\x08\x00\x04v2/c"[..], &id(n)].concat(),
    };
    (1..=many).flat_map(one).collect()
}

#[tokio::test]
async fn a_device_has_as_many_messages_under_way_as_one_session_however_often_it_connects() {
    let (site, gate, connect) = gated().await;
    let mqtt = mqtt(&site);
    let shut = gate.shut.write().await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(let_in(&mqtt, &connect, &claims(1, 200)).await);
        assert_eq!(gate.under_way.load(Ordering::SeqCst), 128);
    }
    drop(shut);
    let mut last = clients.pop().unwrap();
    let mut acknowledged = vec![0; 200 * 4];
    last.read_exact(&mut acknowledged).await.unwrap();
    for (n, mut client) in clients.into_iter().enumerate() {
        let mut told = Vec::new();
        client.read_to_end(&mut told).await.unwrap();
        let expected = if n == 0 { 128 * 4 } else { 0 };
        assert_eq!(told.len(), expected, "client {n}: those that only waited have begun nothing");
    }
    assert_eq!(gate.carried_out.load(Ordering::SeqCst), 128 + 200);
}

#[tokio::test]
async fn what_a_device_sends_while_its_former_session_finishes_is_stored() {
    let (site, gate, connect) = gated().await;
    let mqtt = mqtt(&site);
    let shut = gate.shut.write().await;
    let _first = let_in(&mqtt, &connect, &claims(1, 3)).await;
    let mut second = let_in(&mqtt, &connect, &[claims(0, 2), vec![0xe0, 0]].concat()).await;
    second.shutdown().await.unwrap();
    drop(second);
    drop(shut);
    while gate.carried_out.load(Ordering::SeqCst) < 5 {
        sleep(Duration::from_millis(10)).await;
    }
}
