//! The device API over CoAP (`docs/protocol.md`, CoAP): RFC 7252, with blocks (RFC 7959) and Observe (RFC 7641).
//!
//! | module | what it holds |
//! |---|---|
//! | [`message`] | what is read of a datagram, and how answers are written |
//! | [`routes`] | which path is what |
//! | [`requests`] | what a request asks for, carried out |
//! | [`exchanges`] | which requests have come, so that none is carried out twice |
//! | [`blocks`] | requests and answers in parts |
//! | [`confirmations`] | messages that are sent until the peer has got them |
//! | [`observers`] | who wants to hear of changes |
//! | [`notifying`] | what they are told |
//! | [`peers`] | who speaks, and by what it is let in |
//! | [`dtls`] | the same encrypted, with certificates of devices |
//!
//! A datagram costs its sender nothing, and may bear anybody's address. So everything that is kept has a limit, what is kept for
//! longer than a request takes is kept for devices that have shown their token, and what anybody is answered is short.

mod blocks;
mod confirmations;
#[cfg_attr(not(feature = "dtls"), path = "no_dtls.rs")]
pub mod dtls;
mod exchanges;
mod message;
mod notifying;
mod observers;
mod peers;
mod requests;
mod routes;

use std::{
    future::Future,
    io,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use coap_lite::ResponseType;
use deed_domain::{
    client_certificate::ClientCertificate,
    ports::{Clock, DeviceWatch, Entropy},
};
use futures_util::FutureExt;
use tokio::{
    net::UdpSocket,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::peers::Peer;
use self::{
    confirmations::{Confirmations, Fate},
    exchanges::{Exchange, Exchanges, Seen},
    message::{Answer, Fault, Heard, Kind, MAX_DATAGRAM, Request, Return, acknowledgement, code_text, reset},
    observers::Observers,
    requests::Carried,
};
use crate::device_protocol::DeviceProtocol;

/// Most requests that are carried out at once. Beyond these they are not heard, and their peers send them again.
const UNDER_WAY: u32 = 1_024;
/// After a datagram could not be received, this long nothing is tried.
const BREATH: Duration = Duration::from_millis(100);

/// What is configured.
#[derive(Clone, Copy, Debug)]
pub struct CoapSettings {
    /// How long a request may take before it is acknowledged without its answer, which then follows by itself.
    pub piggyback_timeout: Duration,
    /// Whether a refused registration is acknowledged all the same, as old firmware may rely on.
    pub legacy_ack: bool,
    /// Whether a certificate lets its device in before and after the time for which it was issued.
    pub takes_expired_certificates: bool,
    /// How long a session over DTLS may be silent.
    pub dtls_silence: Duration,
}

/// Where datagrams are sent.
pub trait Outlet: Send + Sync + 'static {
    /// Sends one. It may be lost, as any may.
    fn send(&self, peer: Peer, datagram: &[u8]);
}

/// Speaks CoAP with devices.
pub struct Coap {
    protocol: DeviceProtocol,
    settings: CoapSettings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    exchanges: Exchanges,
    requests: blocks::Requests,
    answers: blocks::Answers,
    confirmations: Confirmations,
    observers: Arc<Observers>,
    last_id: AtomicU16,
    room: Arc<Semaphore>,
    open: TaskTracker,
    stopping: CancellationToken,
}

impl Outlet for UdpSocket {
    fn send(&self, peer: Peer, datagram: &[u8]) {
        // Without room for it in the system, it is lost.
        if let Err(error) = self.try_send_to(datagram, peer.address) {
            tracing::debug!(%error, "a datagram could not be sent");
        }
    }
}

impl Coap {
    /// Over these ports; when `stopping` is cancelled, nothing more is heard, and what has been is answered.
    pub fn new(
        protocol: DeviceProtocol,
        settings: CoapSettings,
        entropy: Arc<dyn Entropy>,
        devices: &dyn DeviceWatch,
        stopping: CancellationToken,
    ) -> Arc<Self> {
        let clock = Arc::clone(&protocol.clock);
        let observers = Arc::<Observers>::default();
        let watcher = Arc::downgrade(&observers);
        devices.watch(watcher);
        let mut first = [0; 2];
        entropy.fill(&mut first);
        Arc::new(Self {
            protocol,
            settings,
            clock,
            entropy,
            exchanges: Exchanges::default(),
            requests: blocks::Requests::default(),
            answers: blocks::Answers::default(),
            confirmations: Confirmations::default(),
            observers,
            last_id: AtomicU16::new(u16::from_be_bytes(first)),
            room: Arc::new(Semaphore::new(UNDER_WAY as usize)),
            open: TaskTracker::new(),
            stopping,
        })
    }

    /// Speaks with whoever sends to this socket, until the service stops and what has been heard is answered.
    pub async fn serve(self: Arc<Self>, socket: UdpSocket) {
        let socket = Arc::new(socket);
        let outlet: Arc<dyn Outlet> = socket.clone();
        tokio::join!(self.listen(&socket, &outlet), Arc::clone(&self).tell_observers(Arc::clone(&outlet)));
        self.ended().await;
    }

    /// Waits until whatever has been heard is answered.
    pub async fn idle(&self) {
        // It is never closed.
        let _ = self.room.acquire_many(UNDER_WAY).await;
    }

    /// The same, and until nobody is told anything any more. The service has to be stopping.
    pub async fn ended(&self) {
        self.open.close();
        self.open.wait().await;
    }

    async fn listen(self: &Arc<Self>, socket: &UdpSocket, outlet: &Arc<dyn Outlet>) {
        // One byte more than is read, which tells that there were more.
        let mut buffer = [0; MAX_DATAGRAM + 1];
        loop {
            let received: io::Result<(usize, SocketAddr)> = tokio::select! {
                received = socket.recv_from(&mut buffer) => received,
                () = self.stopping.cancelled() => return,
            };
            match received {
                Ok((length, address)) => {
                    self.hear(outlet, address.into(), None, buffer.get(..length).unwrap_or_default());
                }
                Err(error) => {
                    tracing::warn!(%error, "a datagram could not be received");
                    sleep(BREATH).await;
                }
            }
        }
    }

    /// Acts on a datagram of that peer, which has proved to hold that certificate. A request is carried out in a task of its
    /// own.
    pub fn hear(
        self: &Arc<Self>,
        outlet: &Arc<dyn Outlet>,
        peer: Peer,
        certificate: Option<Arc<ClientCertificate>>,
        datagram: &[u8],
    ) {
        match message::read(datagram) {
            Ok(Heard::Request(request)) => self.begin(outlet, peer, certificate, request, datagram),
            Ok(Heard::Acknowledged(id)) => self.confirmations.heard(peer, id, true),
            Ok(Heard::Rejected(id)) => self.confirmations.heard(peer, id, false),
            Err(Fault::Silence) => ignored("no_coap"),
            Err(Fault::Reset(id)) => outlet.send(peer, &reset(id)),
            Err(Fault::Told(back, why)) => {
                let answer = match why {
                    message::Why::TooLarge => Answer { payload: why.to_string().into(), ..blocks::too_large() },
                    _ => Answer::because(ResponseType::BadOption, &why),
                };
                counted(answer.code);
                outlet.send(peer, &self.write(&answer, &back));
            }
        }
    }

    fn begin(
        self: &Arc<Self>,
        outlet: &Arc<dyn Outlet>,
        peer: Peer,
        certificate: Option<Arc<ClientCertificate>>,
        request: Request,
        datagram: &[u8],
    ) {
        let exchange = self.exchanges.of(peer, request.back.id, datagram);
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else { return ignored("no_room") };
        match self.exchanges.begin(exchange) {
            Seen::New => {
                let coap = Arc::clone(self);
                self.open.spawn(coap.carry(Arc::clone(outlet), exchange, certificate, request, room));
            }
            Seen::UnderWay { is_acknowledged } => {
                ignored("duplicate");
                if is_acknowledged {
                    outlet.send(peer, &acknowledgement(request.back.id));
                }
            }
            Seen::Answered(datagrams) => {
                ignored("duplicate");
                datagrams.iter().for_each(|datagram| outlet.send(peer, datagram));
            }
        }
    }

    /// Carries a request out and answers it: with its acknowledgement if that does not take long.
    async fn carry(
        self: Arc<Self>,
        outlet: Arc<dyn Outlet>,
        exchange: Exchange,
        certificate: Option<Arc<ClientCertificate>>,
        mut request: Request,
        room: OwnedSemaphorePermit,
    ) {
        let (peer, back) = (exchange.0, request.back.clone());
        let work = pin!(AssertUnwindSafe(requests::carry_out(&self, peer, certificate, &mut request)).catch_unwind());
        let mut work = work.map(|carried| carried.unwrap_or_else(|_| failed()));
        let soon = async {
            match back.is_confirmable {
                true => timeout(self.settings.piggyback_timeout, &mut work).await.ok(),
                false => Some((&mut work).await),
            }
        };
        // What was done is noted before it is said, as the peer may be quick to say something again.
        if let Some(Carried { answer, is_remembered }) = soon.await {
            counted(answer.code);
            let datagram = self.write(&answer, &back);
            match is_remembered {
                true => self.exchanges.answered(exchange, vec![datagram.clone()]),
                false => self.exchanges.forget(exchange),
            }
            return outlet.send(peer, &datagram);
        }
        let acknowledgement = acknowledgement(back.id);
        self.exchanges.acknowledged(exchange);
        outlet.send(peer, &acknowledgement);
        let Carried { answer, is_remembered } = work.await;
        drop(room);
        counted(answer.code);
        let id = self.next_id();
        if !is_remembered {
            // A stranger is not told again and again what it may not even have asked for.
            self.exchanges.forget(exchange);
            return outlet.send(peer, &answer.write(Kind::Non, id, &back.token));
        }
        let datagram = answer.write(Kind::Con, id, &back.token);
        self.exchanges.answered(exchange, vec![acknowledgement.to_vec(), datagram.clone()]);
        self.confirm(&*outlet, peer, id, &datagram).await;
    }

    /// Sends the message until the peer has got it, the patience for it ends, or the service stops.
    async fn confirm(&self, outlet: &dyn Outlet, peer: Peer, id: u16, datagram: &[u8]) -> Fate {
        let mut chance = [0];
        self.entropy.fill(&mut chance);
        let [chance] = chance;
        tokio::select! {
            fate = self.confirmations.send(outlet, peer, id, datagram, chance) => fate,
            () = self.stopping.cancelled() => Fate::Silence,
        }
    }

    /// The datagram with the answer: in the acknowledgement if the request is to be acknowledged.
    fn write(&self, answer: &Answer, back: &Return) -> Vec<u8> {
        match back.is_confirmable {
            true => answer.write(Kind::Ack, back.id, &back.token),
            false => answer.write(Kind::Non, self.next_id(), &back.token),
        }
    }

    fn next_id(&self) -> u16 {
        self.last_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// Runs beside what is heard, until the service stops.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.open.spawn(task);
    }
}

/// A fault of the service ends this request alone.
fn failed() -> Carried {
    metrics::counter!("deed_connection_panics_total", "transport" => "coap").increment(1);
    tracing::error!("a request over CoAP ended by a fault of the service");
    Carried { answer: Answer::of(ResponseType::InternalServerError), is_remembered: false }
}

fn counted(code: ResponseType) {
    metrics::counter!("deed_coap_requests_total", "code" => code_text(code)).increment(1);
}

fn ignored(why: &'static str) {
    metrics::counter!("deed_coap_ignored_total", "why" => why).increment(1);
}
