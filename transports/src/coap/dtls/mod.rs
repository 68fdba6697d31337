//! CoAP over DTLS 1.2 (RFC 6347, RFC 7252 9.1), by OpenSSL. Which library, and why: `docs/adr/0017-dtls-by-openssl.md`.
//!
//! | module | what it holds |
//! |---|---|
//! | [`sessions`] | who speaks DTLS with the service: a table that knows no socket and no clock |
//! | [`session`] | one session, or the handshake for one |
//! | [`hello`] | what is said to strangers before anything is kept of them |
//! | [`records`] | datagrams, as far as they can be looked at without a key |
//! | [`identity`] | the service's certificate, and what is agreed on |

mod hello;
mod identity;
mod records;
mod session;
mod sessions;
#[cfg(test)]
mod tests;

use std::{io, sync::Arc, time::Duration};

use tokio::{
    net::UdpSocket,
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

pub use self::{
    identity::DtlsIdentity,
    sessions::{Effects, Limits, Received, Sessions},
};
use super::{BREATH, Coap, Outlet, Peer};

/// Most bytes of a datagram.
const MAX_DATAGRAM: usize = 65_535;
/// Most messages that wait to be encrypted. Beyond these they are lost, as any may be.
const QUEUE: usize = 4_096;
/// How often it is looked what has to be sent again, and who has been silent for too long.
const TICK: Duration = Duration::from_millis(250);

/// Where answers wait until they are encrypted.
struct Queue(mpsc::Sender<(Peer, Vec<u8>)>);

impl Outlet for Queue {
    fn send(&self, peer: Peer, datagram: &[u8]) {
        if self.0.try_send((peer, datagram.to_vec())).is_err() {
            tracing::debug!("a message was not encrypted: too many wait for it");
        }
    }
}

impl Coap {
    /// Speaks over DTLS with whoever sends to this socket, until the service stops and what has been heard is answered.
    pub async fn serve_dtls(self: Arc<Self>, socket: UdpSocket, identity: Arc<DtlsIdentity>) {
        let limits = Limits { silence: self.settings.dtls_silence, ..Limits::default() };
        let sessions = Sessions::new(identity, limits, Arc::clone(&self.entropy), Instant::now());
        let (queue, answers) = mpsc::channel(QUEUE);
        let outlet: Arc<dyn Outlet> = Arc::new(Queue(queue));
        let telling = Arc::clone(&self).tell_observers(Arc::clone(&outlet));
        let mut port = Port { coap: self, socket, sessions, effects: Effects::default() };
        tokio::join!(port.exchange(outlet, answers), telling);
    }
}

/// A socket, and who speaks there. All of it is one task's, so that nobody waits for a handshake of somebody else.
struct Port {
    coap: Arc<Coap>,
    socket: UdpSocket,
    sessions: Sessions,
    effects: Effects,
}

impl Port {
    async fn exchange(&mut self, outlet: Arc<dyn Outlet>, mut answers: mpsc::Receiver<(Peer, Vec<u8>)>) {
        let mut buffer = vec![0; MAX_DATAGRAM];
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let received = tokio::select! {
                received = self.socket.recv_from(&mut buffer) => received,
                Some((peer, message)) = answers.recv() => {
                    self.sessions.send(peer, &message, &mut self.effects);
                    self.carry_out(&outlet);
                    continue;
                }
                _ = ticks.tick() => {
                    self.sessions.tick(Instant::now(), &mut self.effects);
                    self.carry_out(&outlet);
                    continue;
                }
                () = self.coap.stopping.cancelled() => break,
            };
            match received {
                Ok((length, from)) => {
                    let datagram = buffer.get(..length).unwrap_or_default();
                    self.sessions.input(Instant::now(), from, datagram, &mut self.effects);
                    self.carry_out(&outlet);
                }
                Err(error) => self.not_received(&error).await,
            }
        }
        // Who is still at work has the outlet, too.
        drop(outlet);
        while let Some((peer, message)) = answers.recv().await {
            self.sessions.send(peer, &message, &mut self.effects);
            self.put_out();
        }
        self.sessions.close(&mut self.effects);
        self.put_out();
    }

    async fn not_received(&self, error: &io::Error) {
        tracing::warn!(%error, "a datagram could not be received");
        sleep(BREATH).await;
    }

    fn carry_out(&mut self, outlet: &Arc<dyn Outlet>) {
        self.put_out();
        for Received { peer, certificate, message } in self.effects.received.drain(..) {
            self.coap.hear(outlet, peer, certificate, &message);
        }
        for peer in self.effects.ended.drain(..) {
            self.coap.observers.leave_all(peer);
        }
        metrics::gauge!("deed_coap_dtls_sessions").set(self.sessions.count() as f64);
    }

    fn put_out(&mut self) {
        for (address, datagram) in self.effects.to_send.drain(..) {
            Outlet::send(&self.socket, address.into(), &datagram);
        }
    }
}
