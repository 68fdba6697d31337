//! Datagrams of several CoAP peers, one after the other, against the real store.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use deed_adapters::surroundings::OsEntropy;
use deed_transports::coap::{Coap, CoapSettings, Outlet, Peer};
use tokio_util::sync::CancellationToken;

use crate::request::{Service, TOKEN};

/// Most bytes of what anybody may be told who shows no token.
const SHORT: usize = 192;
/// Most bytes of any datagram: a block, and what stands before it.
const LONG: usize = 1_024 + 64;

/// What the service has said, and to whom.
#[derive(Default)]
struct Said(Mutex<Vec<(Peer, Vec<u8>)>>);

impl Outlet for Said {
    fn send(&self, peer: Peer, datagram: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((peer, datagram.to_vec()));
    }
}

/// Datagrams, each behind a byte that says whose it is and two bytes with its length; a length beyond the end is the rest.
/// Each is answered before the next one comes. What changes is told to those who observe it.
///
/// Whatever comes, the service says whole messages that a server may send, only to those who have sent something, about what
/// they have sent, and not much to those who show no token; and it ends. Accepted is what is answered by a 2.xx.
pub fn coap_datagram(input: &[u8]) -> bool {
    let service = Service::shared();
    service.runtime.block_on(async {
        let stopping = CancellationToken::new();
        let settings = CoapSettings {
            piggyback_timeout: Duration::from_secs(60),
            legacy_ack: false,
            takes_expired_certificates: false,
            dtls_silence: Duration::ZERO,
        };
        let coap =
            Coap::new(service.protocol.clone(), settings, Arc::new(OsEntropy), &*service.store, stopping.clone());
        let said = Arc::new(Said::default());
        let outlet: Arc<dyn Outlet> = said.clone();
        let telling = tokio::spawn(Arc::clone(&coap).tell_observers(Arc::clone(&outlet)));
        let (mut heard, mut is_accepted) = (Vec::new(), false);
        for (peer, datagram) in datagrams(input) {
            coap.hear(&outlet, peer, None, datagram);
            coap.idle().await;
            heard.push((peer, datagram));
            for (to, said) in std::mem::take(&mut *said.0.lock().unwrap_or_else(PoisonError::into_inner)) {
                is_accepted |= check(to, &said, &heard);
            }
        }
        stopping.cancel();
        telling.await.unwrap_or_else(|error| panic!("{error}"));
        coap.ended().await;
        is_accepted
    })
}

fn datagrams(mut input: &[u8]) -> Vec<(Peer, &[u8])> {
    let mut datagrams = Vec::new();
    while let [peer, high, low, rest @ ..] = input {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (datagram, rest) = rest.split_at(length);
        let address = SocketAddr::from(([127, 0, 0, 1 + peer % 2], 1 + u16::from(*peer % 4)));
        datagrams.push((address.into(), datagram));
        input = rest;
    }
    datagrams
}

/// Panics if that may not be said after that was heard. Whether it is a 2.xx.
fn check(to: Peer, said: &[u8], heard: &[(Peer, &[u8])]) -> bool {
    let [first, code, high, low, rest @ ..] = said else { panic!("no message: {said:02x?}") };
    let (kind, token) = (first >> 4 & 3, usize::from(first & 0xf));
    assert!(first >> 6 == 1 && token <= 8 && token <= rest.len() && said.len() <= LONG, "{said:02x?}");
    let theirs = || heard.iter().filter(|(peer, _)| *peer == to).map(|(_, datagram)| *datagram);
    assert!(theirs().count() > 0, "to nobody: {said:02x?}");
    let is_about = |datagram: &[u8]| datagram.get(2..4) == Some(&[*high, *low]);
    assert!(kind < 2 || theirs().any(is_about), "about nothing: {said:02x?}");
    let knows = |datagram: &[u8]| datagram.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes());
    assert!(said.len() <= SHORT || theirs().any(knows), "much to a stranger: {said:02x?}");
    match (kind, code >> 5) {
        (2 | 3, 0) => assert!(*code == 0 && said.len() == 4, "{said:02x?}"),
        (0..=2, 2 | 4) => {}
        // 5.03 while the store is busy, and never 5.00.
        (0..=2, 5) => assert_eq!(*code, 0xa3, "{said:02x?}"),
        _ => panic!("no message of a server: {said:02x?}"),
    }
    code >> 5 == 2
}
