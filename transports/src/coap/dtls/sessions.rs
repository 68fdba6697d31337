//! Who speaks DTLS with the service. Nothing is kept of an address that has not shown that it hears what is sent to it, and what is
//! kept of others has limits.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use deed_domain::{client_certificate::ClientCertificate, ports::Entropy};
use openssl::error::ErrorStack;
use tokio::time::Instant;

use super::{
    DtlsIdentity,
    hello::{Cookie, Cookies, Hello},
    records::{HEADER, encrypted},
    session::{Handshake, Heard, Session},
};
use crate::coap::peers::{Peer, makes_room, source};

/// What is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most sessions; beyond these, the address that has most of them loses the one that was silent for longest.
    pub sessions: usize,
    /// Most handshakes that are under way; beyond these, the address that has most of them loses its oldest.
    pub handshakes: usize,
    /// How long a handshake may take.
    pub patience: Duration,
    /// How long a session may be silent.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 4_096,
            handshakes: 512,
            patience: Duration::from_secs(30),
            silence: Duration::from_secs(86_400),
        }
    }
}

/// Most datagrams of a handshake, and of their bytes: OpenSSL keeps what comes out of order.
const MOST_DATAGRAMS: usize = 64;
const MOST_BYTES: usize = 65_536;
/// Most encrypted records among them; each takes far more room than it has bytes, as long as there is no key for it.
const MOST_ENCRYPTED: usize = 8;

/// What has to be done.
#[derive(Default)]
pub struct Effects {
    /// Datagrams that are to be sent.
    pub to_send: Vec<(SocketAddr, Vec<u8>)>,
    /// Messages that have come.
    pub received: Vec<Received>,
    /// Who is not there any more.
    pub ended: Vec<Peer>,
}

/// A message of a peer.
pub struct Received {
    /// Whose.
    pub peer: Peer,
    /// The certificate that it has proved to hold.
    pub certificate: Option<Arc<ClientCertificate>>,
    /// What it says.
    pub message: Vec<u8>,
}

/// The table of those who speak.
pub struct Sessions {
    identity: Arc<DtlsIdentity>,
    limits: Limits,
    entropy: Arc<dyn Entropy>,
    cookies: Result<Cookies, ErrorStack>,
    beginning: HashMap<SocketAddr, Beginning>,
    open: HashMap<SocketAddr, Open>,
    /// The open ones, in the order in which they were heard last.
    heard: BTreeSet<(Instant, SocketAddr)>,
    last_number: u64,
}

/// A handshake. It may stand beside a session with the same address until it succeeds: the device has begun anew, or somebody
/// wishes that it had (RFC 6347, 4.2.8).
struct Beginning {
    session: Session,
    cookie: Cookie,
    until: Instant,
    datagrams: usize,
    bytes: usize,
    encrypted: usize,
}

struct Open {
    session: Session,
    cookie: Cookie,
    peer: Peer,
    certificate: Option<Arc<ClientCertificate>>,
    heard: Instant,
}

impl Sessions {
    /// With nobody.
    pub fn new(identity: Arc<DtlsIdentity>, limits: Limits, entropy: Arc<dyn Entropy>, now: Instant) -> Self {
        Self {
            identity,
            limits,
            cookies: Cookies::new(&*entropy, now),
            entropy,
            beginning: HashMap::new(),
            open: HashMap::new(),
            heard: BTreeSet::new(),
            last_number: 0,
        }
    }

    /// Acts on a datagram from that address.
    pub fn input(&mut self, now: Instant, from: SocketAddr, datagram: &[u8], effects: &mut Effects) {
        if datagram.len() < HEADER {
            // There is no record in it, and OpenSSL takes nothing at all for the end of everything.
            return;
        }
        let Some(hello) = Hello::read(datagram) else {
            if self.feed(from, datagram) && self.advance(now, from, effects) {
                return;
            }
            if let Some(open) = self.open.get_mut(&from) {
                open.session.feed(datagram);
                self.read(now, from, effects);
            }
            return;
        };
        match self.greet(now, from, &hello) {
            Ok(Greeting::Asked(cookie)) => effects.to_send.push((from, hello.verify_request(&cookie))),
            Ok(Greeting::Known) => {
                if self.feed(from, datagram) {
                    self.advance(now, from, effects);
                }
            }
            Ok(Greeting::Past) => {}
            Err(error) => refused(&error.to_string()),
        }
    }

    /// Sends a message to that peer, if it is still there.
    pub fn send(&mut self, peer: Peer, message: &[u8], effects: &mut Effects) {
        if let Some(open) = self.open.get_mut(&peer.address).filter(|open| open.peer == peer) {
            open.session.write(message);
            effects.send(peer.address, &mut open.session);
        }
    }

    /// Sends again what was not answered, and ends what takes too long. To be called a few times a second.
    pub fn tick(&mut self, now: Instant, effects: &mut Effects) {
        if let Ok(cookies) = &mut self.cookies
            && let Err(error) = cookies.rotate(&*self.entropy, now)
        {
            tracing::warn!(%error, "the key of cookies stays the old one");
        }
        let beginning: Vec<_> = self.beginning.iter().map(|(address, one)| (*address, one.until)).collect();
        for (address, until) in beginning {
            if until <= now {
                self.beginning.remove(&address);
                refused("it took too long");
            } else {
                self.advance(now, address, effects);
            }
        }
        while let Some((heard, address)) = self.heard.first()
            && now.duration_since(*heard) >= self.limits.silence
        {
            self.end(*address, effects);
        }
    }

    /// Ends everything.
    pub fn close(&mut self, effects: &mut Effects) {
        self.beginning.clear();
        while let Some((_, address)) = self.heard.first() {
            self.end(*address, effects);
        }
    }

    /// How many sessions there are.
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// How many handshakes are under way.
    pub fn handshakes(&self) -> usize {
        self.beginning.len()
    }

    /// What that hello is answered; if it has a cookie of the service, a handshake is under way afterwards.
    fn greet(&mut self, now: Instant, from: SocketAddr, hello: &Hello<'_>) -> Result<Greeting, ErrorStack> {
        let cookies = self.cookies.as_ref().map_err(Clone::clone)?;
        let Some(cookie) = cookies.known(from, hello)? else {
            return Ok(Greeting::Asked(cookies.cookie(from, hello)?));
        };
        if self.open.get(&from).is_some_and(|open| open.cookie == cookie) {
            return Ok(Greeting::Past);
        }
        if self.beginning.get(&from).is_none_or(|one| one.cookie != cookie) {
            let session = Session::begin(&self.identity.current(), cookie, hello)?;
            self.make_room(from);
            let until = now + self.limits.patience;
            let begun = Beginning { session, cookie, until, datagrams: 0, bytes: 0, encrypted: 0 };
            self.beginning.insert(from, begun);
        }
        Ok(Greeting::Known)
    }

    fn make_room(&mut self, from: SocketAddr) {
        if self.beginning.len() >= self.limits.handshakes && !self.beginning.contains_key(&from) {
            let mut oldest_first: Vec<_> = self.beginning.iter().map(|(address, one)| (one.until, *address)).collect();
            oldest_first.sort_unstable();
            let addresses = oldest_first.into_iter().map(|(_, address)| address);
            if let Some(ends) = makes_room_for(from, addresses) {
                self.beginning.remove(&ends);
                refused("too many are under way");
            }
        }
    }

    /// Gives a datagram to the handshake with that address, if there is one and it has not had too many.
    fn feed(&mut self, from: SocketAddr, datagram: &[u8]) -> bool {
        let Some(one) = self.beginning.get_mut(&from) else { return false };
        one.datagrams += 1;
        one.bytes += datagram.len();
        one.encrypted += encrypted(datagram);
        if one.datagrams > MOST_DATAGRAMS || one.bytes > MOST_BYTES || one.encrypted > MOST_ENCRYPTED {
            return false;
        }
        one.session.feed(datagram);
        true
    }

    /// Goes on with a handshake. Whether it has become a session.
    fn advance(&mut self, now: Instant, from: SocketAddr, effects: &mut Effects) -> bool {
        let Some(one) = self.beginning.get_mut(&from) else { return false };
        let progress = one.session.agree();
        effects.send(from, &mut one.session);
        let certificate = match progress {
            Handshake::UnderWay => return false,
            Handshake::Agreed(certificate) => certificate,
            Handshake::Failed(why) => {
                self.beginning.remove(&from);
                refused(&why);
                return false;
            }
        };
        let Some(Beginning { session, cookie, .. }) = self.beginning.remove(&from) else { return false };
        if let Some(before) = self.open.remove(&from) {
            self.heard.remove(&(before.heard, from));
            effects.ended.push(before.peer);
        }
        if self.open.len() >= self.limits.sessions
            && let Some(ends) = makes_room_for(from, self.heard.iter().map(|(_, address)| *address))
        {
            self.end(ends, effects);
        }
        self.last_number += 1;
        let peer = Peer { address: from, session: Some(self.last_number) };
        let open = Open { session, cookie, peer, certificate: certificate.map(Arc::new), heard: now };
        self.open.insert(from, open);
        self.heard.insert((now, from));
        // It may have come together with the end of the handshake.
        self.read(now, from, effects);
        true
    }

    /// Reads what has come in a session.
    fn read(&mut self, now: Instant, from: SocketAddr, effects: &mut Effects) {
        let Some(open) = self.open.get_mut(&from) else { return };
        loop {
            match open.session.read() {
                Heard::Message(message) => {
                    let certificate = open.certificate.clone();
                    effects.received.push(Received { peer: open.peer, certificate, message });
                    self.heard.remove(&(open.heard, from));
                    open.heard = now;
                    self.heard.insert((now, from));
                }
                Heard::Nothing => return effects.send(from, &mut open.session),
                Heard::End => break,
            }
        }
        self.end(from, effects);
    }

    /// Ends a session.
    fn end(&mut self, address: SocketAddr, effects: &mut Effects) {
        if let Some(mut open) = self.open.remove(&address) {
            self.heard.remove(&(open.heard, address));
            open.session.close();
            effects.send(address, &mut open.session);
            effects.ended.push(open.peer);
        }
    }
}

/// Which of them ends, so that there is room for that one, which counts, too.
fn makes_room_for(from: SocketAddr, oldest_first: impl Iterator<Item = SocketAddr>) -> Option<SocketAddr> {
    makes_room(oldest_first.chain([from]).map(|address| (source(address), address)))
}

/// What a hello is answered.
enum Greeting {
    /// It has to come again with that cookie.
    Asked(Cookie),
    /// The handshake with it is under way.
    Known,
    /// It led to the session that there is.
    Past,
}

impl Effects {
    fn send(&mut self, to: SocketAddr, session: &mut Session) {
        self.to_send.extend(session.take_to_send().map(|datagram| (to, datagram)));
    }
}

fn refused(why: &str) {
    metrics::counter!("deed_tls_failed_handshakes_total").increment(1);
    tracing::debug!(%why, "a client and the service did not agree on DTLS");
}
