//! Datagrams to the table of those who speak DTLS: anybody's, and those of real clients, which may be bent on the way.

use std::{
    array,
    collections::VecDeque,
    io::{self, Read, Write},
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use deed_adapters::surroundings::OsEntropy;
use deed_domain::{client_certificate::ClientCertificate, time::Timestamp};
use deed_transports::{
    coap::dtls::{DtlsIdentity, Effects, Limits, Sessions},
    tls::Renewable,
};
use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    ssl::{Ssl, SslContext, SslMethod, SslOptions, SslStream, SslVerifyMode},
    x509::X509,
};
use tokio::time::Instant;

const CLIENTS: usize = 4;
/// What clients say when they agree with the service.
const MESSAGE: &[u8] = b"message";
/// The client says what it has to say now, and the bytes bend it.
const CLIENT: u8 = 0x80;
/// It begins anew before.
const ANEW: u8 = 0x40;
/// A minute goes by.
const LATER: u8 = 0x20;

static SERVICE: LazyLock<Certified> = LazyLock::new(certified);
static DEVICE: LazyLock<Certified> = LazyLock::new(certified);

struct Certified(X509, PKey<Private>);

/// Steps, each a byte that says whose and what, two bytes with a length (beyond the end it is the rest), and as many bytes: a
/// datagram; or, with [`CLIENT`], where in the client's next datagram others are changed (two bytes) and how.
///
/// Whatever comes, the service answers only whom it has heard, a stranger no more than that has said; hears only what the client
/// there has said, each once, by the certificate that this one has; and keeps no more than it may. Accepted is what is heard.
pub fn dtls_datagram(input: &[u8]) -> bool {
    run(input).unwrap_or_else(|error| panic!("{error}"))
}

fn run(mut input: &[u8]) -> Result<bool, ErrorStack> {
    let identity = DtlsIdentity::new(&SERVICE.0.to_pem()?, &SERVICE.1.private_key_to_pem_pkcs8()?);
    let identity = Arc::new(identity.unwrap_or_else(|error| panic!("{error}")));
    let mut now = Instant::now();
    let limits = Limits { sessions: 3, handshakes: 3, ..Limits::default() };
    let mut sessions = Sessions::new(identity, limits, Arc::new(OsEntropy), now);
    let mut clients: [Option<Client>; CLIENTS] = array::from_fn(|_| None);
    let (mut effects, mut is_accepted) = (Effects::default(), false);
    while let [step, high, low, rest @ ..] = input {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (bytes, rest) = rest.split_at(length);
        input = rest;
        let n = usize::from(*step) % CLIENTS;
        let from = address(n);
        if step & LATER != 0 {
            now += Duration::from_secs(60);
            sessions.tick(now, &mut effects);
        }
        let datagrams = if step & CLIENT == 0 {
            vec![bytes.to_vec()]
        } else {
            if step & ANEW != 0 || clients[n].is_none() {
                clients[n] = Some(Client::new(n)?);
            }
            clients[n].as_mut().map(|client| client.says(bytes)).unwrap_or_default()
        };
        for datagram in datagrams {
            let knows = sessions.count() + sessions.handshakes();
            sessions.input(now, from, &datagram, &mut effects);
            let said: usize = effects.to_send.iter().map(|(_, said)| said.len()).sum();
            let is_known = knows + sessions.count() + sessions.handshakes() > 0;
            assert!(is_known || said <= datagram.len(), "much to a stranger");
        }
        assert!(sessions.count() <= 3 && sessions.handshakes() <= 3);
        for received in std::mem::take(&mut effects.received) {
            assert_eq!((received.peer.address, &received.message[..]), (from, MESSAGE));
            let Some(client) = &mut clients[n] else { panic!("nobody has said that") };
            assert!(client.wrote > 0, "heard twice");
            client.wrote -= 1;
            let shown = received.certificate.map(|certificate| certificate.id().clone());
            assert!(shown == client.certificate()?.map(|own| own.id().clone()), "another one's certificate");
            is_accepted = true;
            sessions.send(received.peer, MESSAGE, &mut effects);
        }
        for (to, datagram) in effects.to_send.drain(..) {
            let known = (0..CLIENTS).find(|n| address(*n) == to);
            let Some(n) = known else { panic!("to nobody") };
            if let Some(client) = &mut clients[n] {
                client.stream.get_mut().come.push_back(datagram);
            }
        }
        effects.ended.clear();
    }
    sessions.close(&mut effects);
    assert_eq!((sessions.count(), sessions.handshakes()), (0, 0));
    Ok(is_accepted)
}

fn address(n: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, [1, 1, 2, 3][n % CLIENTS]], [1, 2, 3, 4][n % CLIENTS]))
}

/// Datagrams in the place of a socket.
#[derive(Default)]
struct Datagrams {
    come: VecDeque<Vec<u8>>,
    to_send: Vec<Vec<u8>>,
}

impl Read for Datagrams {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.come.pop_front().ok_or(io::ErrorKind::WouldBlock)?.as_slice().read(buffer)
    }
}

impl Write for Datagrams {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.to_send.push(datagram.to_vec());
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client as it should be.
struct Client {
    stream: SslStream<Datagrams>,
    has_certificate: bool,
    /// How many messages it has written that were not heard.
    wrote: usize,
}

impl Client {
    fn new(n: usize) -> Result<Self, ErrorStack> {
        let mut context = SslContext::builder(SslMethod::dtls_client())?;
        context.set_verify(SslVerifyMode::NONE);
        context.set_options(SslOptions::NO_QUERY_MTU);
        let has_certificate = n < 2;
        if has_certificate {
            context.set_certificate(&DEVICE.0)?;
            context.set_private_key(&DEVICE.1)?;
        }
        let mut ssl = Ssl::new(&context.build())?;
        ssl.set_connect_state();
        ssl.set_mtu(600)?;
        Ok(Self { stream: SslStream::new(ssl, Datagrams::default())?, has_certificate, wrote: 0 })
    }

    /// What it has to say now: the next part of the handshake, or else a message. The first datagram is bent.
    fn says(&mut self, bend: &[u8]) -> Vec<Vec<u8>> {
        // What has come may be bent, too, by other steps: it ends by itself.
        if self.stream.do_handshake().is_ok() {
            let _ = self.stream.ssl_read(&mut [0; 64]);
            self.wrote += usize::from(self.stream.ssl_write(MESSAGE).is_ok());
        }
        let mut said = std::mem::take(&mut self.stream.get_mut().to_send);
        if let ([high, low, others @ ..], Some(first)) = (bend, said.first_mut()) {
            let begin = usize::from(u16::from_be_bytes([*high, *low])) % first.len().max(1);
            first.iter_mut().skip(begin).zip(others).for_each(|(byte, other)| *byte ^= other);
        }
        said
    }

    fn certificate(&self) -> Result<Option<ClientCertificate>, ErrorStack> {
        let certificate =
            || Ok(ClientCertificate::new(&STANDARD.encode(DEVICE.0.to_der()?), Timestamp(0), Timestamp(0)));
        self.has_certificate.then(certificate).transpose()
    }
}

fn certified() -> Certified {
    let certified = || {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
        let mut certificate = X509::builder()?;
        certificate.set_pubkey(&key)?;
        let (from, until) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(1)?);
        certificate.set_not_before(&from)?;
        certificate.set_not_after(&until)?;
        certificate.sign(&key, MessageDigest::sha256())?;
        Ok::<_, ErrorStack>(Certified(certificate.build(), key))
    };
    certified().unwrap_or_else(|error| panic!("{error}"))
}
