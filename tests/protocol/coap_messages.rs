//! What a peer over the network cannot bring about, or not soon.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use deed_adapters::surroundings::OsEntropy;
use deed_domain::{
    claims::ProfileChoice,
    ports::{Credentials, Entropy},
};
use deed_transports::coap::{Coap, CoapSettings, Outlet, Peer};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use crate::site::Site;

/// What the service has said.
#[derive(Default)]
struct Said(Mutex<Vec<Vec<u8>>>);

impl Outlet for Said {
    fn send(&self, _: Peer, datagram: &[u8]) {
        self.0.lock().unwrap().push(datagram.to_vec());
    }
}

impl Said {
    fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn coap(site: &Site, entropy: Arc<dyn Entropy>, stopping: &CancellationToken) -> Arc<Coap> {
    let settings = CoapSettings {
        piggyback_timeout: Duration::from_secs(60),
        legacy_ack: false,
        takes_expired_certificates: false,
        dtls_silence: Duration::ZERO,
    };
    Coap::new(site.protocol.clone(), settings, entropy, &*site.store, stopping.clone())
}

fn peer() -> Peer {
    SocketAddr::from(([127, 0, 0, 1], 1)).into()
}

/// A confirmable request with the token `t`.
fn request(code: u8, id: u8, options: &[&[u8]], payload: &[u8]) -> Vec<u8> {
    let payload = [if payload.is_empty() { &b""[..] } else { b"\xff" }, payload].concat();
    [&[0x41, code, 0, id, b't'], &*options.concat(), &payload].concat()
}

/// To make an id for a request is a fault of the service.
struct Faulty;

impl Entropy for Faulty {
    fn fill(&self, buffer: &mut [u8]) {
        assert_ne!(buffer.len(), 10, "on purpose");
    }
}

#[test]
fn a_fault_of_the_service_ends_one_request_and_is_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let (site, stopping) = (Site::open(true).await, CancellationToken::new());
            let coap = coap(&site, Arc::new(Faulty), &stopping);
            let said = Arc::new(Said::default());
            let outlet: Arc<dyn Outlet> = said.clone();
            let provision: [&[u8]; 3] = [b"\xb3api", b"\x02v1", b"\x09provision"];
            let discover: [&[u8]; 2] = [b"\xbb.well-known", b"\x04core"];
            for (datagram, code) in [(request(2, 7, &provision, b"{}"), 0xa0), (request(1, 8, &discover, b""), 0x45)] {
                coap.hear(&outlet, peer(), None, &datagram);
                coap.idle().await;
                let said = said.take();
                assert_eq!((said.len(), &said[0][..5]), (1, &[0x61, code, 0, datagram[3], b't'][..]));
            }
            stopping.cancel();
            coap.ended().await;
        });
    });
    let metrics = recorder.handle().render();
    assert!(metrics.contains("deed_connection_panics_total{transport=\"coap\"} 1\n"), "{metrics}");
}

/// An observer hears how it stands before Max-Age passes, also if nothing happens, and no more once it does not answer.
#[tokio::test]
async fn who_observes_is_told_again_while_what_it_knows_is_fresh() {
    let (site, stopping) = (Site::open(true).await, CancellationToken::new());
    let device = site.add("D", None, ProfileChoice::Default).await;
    let token = site.store.of_device(device.device_id).await.unwrap().unwrap().credentials_id.expose().to_owned();
    let coap = coap(&site, Arc::new(OsEntropy), &stopping);
    let said = Arc::new(Said::default());
    let outlet: Arc<dyn Outlet> = said.clone();
    tokio::spawn(Arc::clone(&coap).tell_observers(Arc::clone(&outlet)));
    let segment = [&[0x0d, u8::try_from(token.len() - 13).unwrap()], token.as_bytes()].concat();
    coap.hear(&outlet, peer(), None, &request(1, 7, &[b"\x60", b"\x53api", b"\x02v1", &segment, b"\x05claim"], b""));
    coap.idle().await;
    let answer = said.take().remove(0);
    // Observe 0, JSON, and 300 seconds.
    assert_eq!(answer[..12], *b"\x61\x45\0\x07t\x60\x61\x32\x22\x01\x2c\xff", "{answer:02x?}");

    // While somebody always works, time does not pass by itself.
    tokio::time::pause();
    tokio::spawn(async {
        loop {
            yield_now().await;
        }
    });
    let mut told = 0;
    for answers in [true, true, false] {
        let mut quiet = 0;
        loop {
            pass_a_second().await;
            quiet += 1;
            let Some(notification) = said.take().pop() else { continue };
            assert!(quiet <= 300 && notification[0] == 0x41, "{quiet}: {notification:02x?}");
            told += 1;
            if answers {
                coap.hear(&outlet, peer(), None, &[0x60, 0, notification[2], notification[3]]);
            }
            break;
        }
        assert!((180..=241).contains(&quiet), "{quiet}");
    }
    // It is sent a few times more, and then it is not there.
    for _ in 0..600 {
        pass_a_second().await;
    }
    assert_eq!((told, said.take().len()), (3, 4));
    stopping.cancel();
}

/// Moves the time on, and lets what is due then be done, by the threads of the store, too.
async fn pass_a_second() {
    tokio::time::advance(Duration::from_secs(1)).await;
    for _ in 0..10 {
        std::thread::sleep(Duration::from_micros(200));
        yield_now().await;
    }
}
