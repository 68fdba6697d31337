mod client;

use std::{net::SocketAddr, sync::Arc, thread::sleep, time::Duration};

use openssl::rand::rand_bytes;
use tokio::time::Instant;

use self::client::{Certified, Chance, Client};
use super::{DtlsIdentity, Effects, Limits, Sessions};
use crate::{
    coap::Peer,
    tls::{Renewable, TlsError, understand},
};

/// The service, the time, and what it has said and heard.
struct Service {
    sessions: Sessions,
    now: Instant,
    received: Vec<(Peer, bool, Vec<u8>)>,
    ended: Vec<Peer>,
}

impl Service {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let identity = Arc::new(Certified::elliptic().identity().unwrap());
        let now = Instant::now();
        let sessions = Sessions::new(identity, limits, Arc::new(Chance), now);
        Self { sessions, now, received: Vec::new(), ended: Vec::new() }
    }

    fn does(&mut self, act: impl FnOnce(&mut Sessions, Instant, &mut Effects)) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut effects = Effects::default();
        act(&mut self.sessions, self.now, &mut effects);
        self.received
            .extend(effects.received.into_iter().map(|one| (one.peer, one.certificate.is_some(), one.message)));
        self.ended.extend(effects.ended);
        effects.to_send
    }

    fn hears(&mut self, from: SocketAddr, datagram: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
        self.does(|sessions, now, effects| sessions.input(now, from, datagram, effects))
    }

    fn ticks(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        self.does(|sessions, now, effects| sessions.tick(now, effects))
    }

    /// Carries datagrams between them until neither has anything to say. Whether the client has a session then.
    fn meets(&mut self, client: &mut Client) -> bool {
        self.meets_but(client, |_| false)
    }

    /// The same, but some datagrams are lost.
    fn meets_but(&mut self, client: &mut Client, mut is_lost: impl FnMut(&[u8]) -> bool) -> bool {
        loop {
            let said = client.says();
            if said.is_empty() {
                return client.stream.ssl().is_init_finished();
            }
            for datagram in said.iter().filter(|datagram| !is_lost(datagram)).collect::<Vec<_>>() {
                let answers = self.hears(client.address, datagram);
                let answers = answers.into_iter().map(|(_, answer)| answer).filter(|answer| !is_lost(answer));
                client.stream.get_mut().come.extend(answers);
            }
        }
    }

    /// A message there and back; the peer that it came from.
    fn exchanges(&mut self, client: &mut Client) -> Peer {
        for datagram in client.writes(b"question") {
            self.hears(client.address, &datagram);
        }
        let (peer, _, message) = self.received.pop().unwrap();
        assert_eq!((peer.address, &message[..]), (client.address, &b"question"[..]));
        let answers = self.does(|sessions, _, effects| sessions.send(peer, b"answer", effects));
        client.stream.get_mut().come.extend(answers.into_iter().map(|(_, answer)| answer));
        assert_eq!(client.reads().as_deref(), Some(&b"answer"[..]));
        peer
    }

    fn counts(&self) -> [usize; 2] {
        [self.sessions.handshakes(), self.sessions.count()]
    }
}

/// The first hello, and the one with the cookie that the service gives for it.
fn hellos(service: &mut Service, client: &mut Client) -> [Vec<u8>; 2] {
    let first = client.says().remove(0);
    let (_, asked) = service.hears(client.address, &first).remove(0);
    client.stream.get_mut().come.push_back(asked);
    [first, client.says().remove(0)]
}

#[test]
fn who_agrees_is_heard_and_answered_and_known_by_its_certificate() {
    for certified in [None, Some(Certified::elliptic()), Some(Certified::rsa(2_048))] {
        for suites in ["DEFAULT", "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"] {
            let mut service = Service::new();
            let mut client = Client::with(1, certified.as_ref(), suites);
            assert!(service.meets(&mut client));
            for datagram in client.writes(b"x") {
                service.hears(client.address, &datagram);
            }
            let (_, has_certificate, _) = service.received[0];
            assert_eq!(has_certificate, certified.is_some(), "{suites}");
            service.exchanges(&mut client);
            client.stream.shutdown().unwrap();
            let last = std::mem::take(&mut client.stream.get_mut().to_send);
            let answers = service.hears(client.address, &last[0]);
            assert_eq!((service.counts(), service.ended.len()), ([0, 0], 1));
            client.stream.get_mut().come.extend(answers.into_iter().map(|(_, answer)| answer));
            assert!(client.was_ended(), "its end is answered");
        }
    }
}

#[test]
fn a_certificate_is_the_one_whose_key_the_client_holds() {
    let certified = Certified::elliptic();
    let mut service = Service::new();
    let mut client = Client::new(1, Some(&certified));
    assert!(service.meets(&mut client));
    let mut effects = Effects::default();
    for datagram in client.writes(b"x") {
        service.sessions.input(service.now, client.address, &datagram, &mut effects);
    }
    let expected = understand(&certified.0.to_der().unwrap().into()).unwrap();
    assert_eq!(effects.received[0].certificate.as_ref().unwrap().id(), expected.id());
}

#[test]
fn weak_keys_are_not_taken() {
    let mut service = Service::new();
    let mut client = Client::with(1, Some(&Certified::rsa(1_024)), "DEFAULT:@SECLEVEL=0");
    service.meets(&mut client);
    assert_eq!((service.counts(), service.received.len()), ([0, 0], 0));
    assert!(matches!(Certified::rsa(1_024).identity(), Err(TlsError::Together(_))));
    let (one, other) = (Certified::elliptic(), Certified::elliptic());
    let mixed = Certified(one.0, other.1).identity();
    assert!(matches!(mixed, Err(TlsError::Together(_))));
    let no_key = DtlsIdentity::new(&other.0.to_pem().unwrap(), b"-");
    assert!(matches!(no_key, Err(TlsError::Key(_))));
}

#[test]
fn nothing_is_kept_of_who_does_not_hear_what_it_is_sent() {
    let mut service = Service::new();
    let hello = Client::new(1, None).says().remove(0);
    let sources = (1..=20_000).map(|port| SocketAddr::from(([10, 0, 0, 1], port)));
    for from in sources {
        let answers = service.hears(from, &hello);
        assert!(answers.len() == 1 && answers[0].1.len() < hello.len(), "no more is sent than has come");
    }
    assert_eq!(service.counts(), [0, 0]);
    let [_, second] = hellos(&mut service, &mut Client::new(2, None));
    let stranger = SocketAddr::from(([127, 0, 0, 1], 3));
    assert_eq!(service.hears(stranger, &second).len(), 1, "a cookie is one address's");
    assert_eq!(service.counts(), [0, 0]);
}

#[test]
fn cookies_are_good_for_a_while() {
    for (minutes, is_good) in [(0, true), (1, true), (2, false)] {
        let mut service = Service::new();
        let mut client = Client::new(1, None);
        let [_, second] = hellos(&mut service, &mut client);
        for _ in 0..minutes {
            service.now += Duration::from_secs(60);
            service.ticks();
        }
        service.hears(client.address, &second);
        assert_eq!(service.counts(), [usize::from(is_good), 0], "{minutes}");
    }
}

#[test]
fn what_makes_no_sense_is_dropped() {
    let mut service = Service::new();
    let mut client = Client::new(1, None);
    let [_, second] = hellos(&mut service, &mut client);
    for end in 0..second.len() {
        service.hears(client.address, &second[..end]);
    }
    let mut random = vec![0; 1_500];
    for length in 0..1_500 {
        rand_bytes(&mut random).unwrap();
        service.hears(client.address, &random[..length]);
    }
    for kind in 0..=255 {
        for epoch in [0, 1, 2] {
            let record = [&[kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 1, 0, 4][..], &[1, 0, 0, 0]].concat();
            service.hears(client.address, &record);
        }
    }
    assert_eq!((service.counts(), service.received.len()), ([0, 0], 0));
    assert!(service.meets(&mut Client::new(1, None)));
    let mut client = Client::new(2, None);
    assert!(service.meets(&mut client));
    for length in 0..1_500 {
        rand_bytes(&mut random).unwrap();
        service.hears(client.address, &random[..length]);
        assert_eq!(service.counts(), [0, 2], "{length}: {:02x?}", &random[..length]);
        let record = [&[23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 9, 9, 0, 64][..], &random[..64]].concat();
        service.hears(client.address, &record);
        assert_eq!(service.counts(), [0, 2], "{length}");
    }
    service.exchanges(&mut client);
}

#[test]
fn a_message_that_comes_again_is_not_heard_again() {
    let mut service = Service::new();
    let mut client = Client::new(1, None);
    assert!(service.meets(&mut client));
    let message = client.writes(b"x").remove(0);
    service.hears(client.address, &message);
    service.hears(client.address, &message);
    assert_eq!(service.received.len(), 1);
}

#[test]
fn what_is_lost_is_sent_again() {
    // The second hello, that of the service, a certificate, the change to encryption.
    for lost in 0..4 {
        let mut service = Service::new();
        let mut client = Client::new(1, Some(&Certified::elliptic()));
        let [first, _] = hellos(&mut Service::new(), &mut Client::new(1, None));
        let mut seen = 0;
        let mut is_lost = |datagram: &[u8]| {
            let flight = match (datagram[0], datagram[13]) {
                (22, 1) if datagram.len() > first.len() => 0,
                (22, 2) => 1,
                (22, 11) => 2,
                (20, _) => 3,
                _ => return false,
            };
            seen += usize::from(flight == lost);
            flight == lost && seen == 1
        };
        let mut agree = service.meets_but(&mut client, &mut is_lost);
        for _ in 0..40 {
            if agree && service.counts() == [0, 1] {
                break;
            }
            sleep(Duration::from_millis(100));
            let answers = service.ticks();
            client.stream.get_mut().come.extend(answers.into_iter().map(|(_, answer)| answer));
            agree = service.meets_but(&mut client, &mut is_lost);
        }
        assert!(agree && seen > 0, "{lost}: {seen}");
        service.exchanges(&mut client);
    }
}

/// A client that sent its hello again has another number on it; the answers go on from there.
#[test]
fn answers_go_on_from_the_number_of_the_hello() {
    for number in [0, 1, 9] {
        let mut service = Service::new();
        let mut client = Client::new(1, None);
        let [_, mut second] = hellos(&mut service, &mut client);
        second[10] = number;
        let answers = service.hears(client.address, &second);
        assert_eq!(answers[0].1[3..11], [0, 0, 0, 0, 0, 0, 0, number], "{number}");
    }
}

#[test]
fn a_handshake_has_its_time() {
    let mut service = Service::new();
    let mut client = Client::new(1, None);
    let [_, second] = hellos(&mut service, &mut client);
    assert!(!service.hears(client.address, &second).is_empty());
    service.now += Duration::from_secs(29);
    service.ticks();
    assert_eq!(service.counts(), [1, 0]);
    service.now += Duration::from_secs(1);
    service.ticks();
    assert_eq!(service.counts(), [0, 0]);
}

#[test]
fn there_is_room_for_so_many() {
    let mut service = Service::with(Limits { sessions: 2, handshakes: 3, ..Limits::default() });
    let mut clients = Vec::new();
    for port in 1..=5 {
        let mut client = Client::new(port, None);
        let [_, second] = hellos(&mut service, &mut client);
        service.now += Duration::from_millis(1);
        service.hears(client.address, &second);
    }
    assert_eq!(service.counts(), [3, 0]);
    for port in 6..=9 {
        service.now += Duration::from_millis(1);
        let mut client = Client::new(port, None);
        assert!(service.meets(&mut client));
        clients.push(client);
        if port == 7 {
            service.now += Duration::from_millis(1);
            service.exchanges(&mut clients[0]);
        }
    }
    assert_eq!(service.counts()[1], 2);
    let ended: Vec<_> = service.ended.iter().map(|peer| peer.address.port()).collect();
    assert_eq!(ended, [7, 6], "those that were silent for longest");
}

/// One machine that agrees again and again takes no place but its own, of handshakes and of sessions.
#[test]
fn who_has_most_sessions_makes_room() {
    let mut service = Service::with(Limits { sessions: 4, handshakes: 4, ..Limits::default() });
    let at = |port| {
        let mut client = Client::new(port, None);
        client.address = SocketAddr::from(([10, 0, 0, 1], port));
        client
    };
    let mut silent = at(1);
    assert!(service.meets(&mut silent));
    let mut slow = at(2);
    let [_, second] = hellos(&mut service, &mut slow);
    let flight = service.hears(slow.address, &second);
    for port in 1..=20 {
        service.now += Duration::from_millis(1);
        let mut client = Client::new(port, None);
        let [_, second] = hellos(&mut service, &mut client);
        service.hears(client.address, &second);
    }
    assert_eq!(service.counts(), [4, 1]);
    for port in 21..=40 {
        service.now += Duration::from_millis(1);
        assert!(service.meets(&mut Client::new(port, None)));
    }
    assert!(service.counts()[1] == 4 && service.ended.iter().all(|peer| peer.address.port() > 20));
    slow.stream.get_mut().come.extend(flight.into_iter().map(|(_, datagram)| datagram));
    assert!(service.meets(&mut slow));
    for client in [&mut silent, &mut slow] {
        service.exchanges(client);
    }
}

#[test]
fn who_is_silent_for_long_is_not_there_any_more() {
    let mut service = Service::with(Limits { silence: Duration::from_secs(10), ..Limits::default() });
    let (mut one, mut other) = (Client::new(1, None), Client::new(2, None));
    assert!(service.meets(&mut one) && service.meets(&mut other));
    service.now += Duration::from_secs(5);
    let peer = service.exchanges(&mut other);
    service.now += Duration::from_secs(5);
    let last = service.ticks();
    assert_eq!((last.len(), last[0].0, service.counts()), (1, one.address, [0, 1]));
    one.stream.get_mut().come.push_back(last[0].1.clone());
    assert!(one.was_ended());
    assert!(service.ended.iter().all(|ended| *ended != peer));
    service.does(|sessions, _, effects| sessions.close(effects));
    assert!(service.ended.contains(&peer) && service.counts() == [0, 0]);
}

#[test]
fn who_begins_anew_takes_the_place_of_its_session_when_it_has_agreed() {
    let mut service = Service::new();
    let mut before = Client::new(1, None);
    assert!(service.meets(&mut before));
    let old = service.exchanges(&mut before);
    let mut after = Client::new(1, Some(&Certified::elliptic()));
    let [_, second] = hellos(&mut service, &mut after);
    let flight = service.hears(after.address, &second);
    assert_eq!(service.counts(), [1, 1]);
    // Until then the session goes on.
    assert_eq!(service.exchanges(&mut before), old);
    after.stream.get_mut().come.extend(flight.into_iter().map(|(_, datagram)| datagram));
    assert!(service.meets(&mut after));
    assert_eq!((service.counts(), &service.ended), ([0, 1], &vec![old]));
    let new = service.exchanges(&mut after);
    assert_ne!(old, new);
    let lost = service.does(|sessions, _, effects| sessions.send(old, b"secret", effects));
    assert!(lost.is_empty(), "what is for the old one is not told the new one");
    // Its hello, which comes again, begins nothing.
    assert!(service.hears(after.address, &second).is_empty());
    assert_eq!(service.counts(), [0, 1]);
    service.exchanges(&mut after);
}

#[test]
fn what_a_handshake_is_sent_is_limited() {
    let mut service = Service::new();
    let mut client = Client::new(1, None);
    let [_, second] = hellos(&mut service, &mut client);
    service.hears(client.address, &second);
    let mut handshakes = 0;
    for number in 0..1_000_u16 {
        let [high, low] = number.to_be_bytes();
        // Of the next epoch, for which there is no key yet.
        let record = [&[23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, high, low, 0, 32][..], &[7; 32]].concat();
        service.hears(client.address, &record);
        handshakes += service.counts()[0];
    }
    assert_eq!(handshakes, 1_000, "it is not ended by what anybody may send");
    assert!(service.received.is_empty());
}

#[test]
fn a_renewed_certificate_counts_for_new_sessions() {
    let (old, new) = (Certified::elliptic(), Certified::rsa(2_048));
    let identity = Arc::new(old.identity().unwrap());
    let now = Instant::now();
    let sessions = Sessions::new(Arc::clone(&identity), Limits::default(), Arc::new(Chance), now);
    let mut service = Service { sessions, now, received: Vec::new(), ended: Vec::new() };
    let shown = |client: &Client| client.stream.ssl().peer_certificate().unwrap().to_der().unwrap();
    let mut before = Client::new(1, None);
    assert!(service.meets(&mut before));
    let [certificate, key] = [new.0.to_pem().unwrap(), new.1.private_key_to_pem_pkcs8().unwrap()];
    assert!(identity.renew(&certificate, b"-").is_err());
    identity.renew(&certificate, &key).unwrap();
    let mut after = Client::new(2, None);
    assert!(service.meets(&mut after));
    assert_eq!([shown(&before), shown(&after)], [old.0.to_der().unwrap(), new.0.to_der().unwrap()]);
    service.exchanges(&mut before);
}
