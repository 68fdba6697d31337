//! The device API over MQTT 3.1.1 and 5 (`docs/protocol.md`, MQTT).
//!
//! | module | what it holds |
//! |---|---|
//! | [`arrivals`] | how many connections there are |
//! | [`stream`] | the bytes of a connection |
//! | [`websocket`] | a connection inside a WebSocket, on the HTTP port |
//! | [`wire`] | packets in and out of it, over the protocol engine |
//! | [`raw`] | what is looked at in a packet before the engine reads it |
//! | [`heard`] | what a packet says to the service |
//! | [`connect`] | who connects, and whether it is let in |
//! | [`topics`] | which topic is what, and which filters are accepted |
//! | [`publish`] | what a message asks for, carried out |
//! | [`introduction`] | one connection, and who introduces itself on it |
//! | [`session`] | what is read, acknowledged and sent, and when it ends |
//! | [`known`] | what a client knows of its device that waits for changes |
//! | [`sessions`] | who is connected: one session per device |
//!
//! There is no broker: a message goes to the service alone, and what a device is sent, the service sends.

mod arrivals;
mod connect;
mod heard;
mod introduction;
mod known;
mod publish;
mod raw;
mod session;
mod sessions;
mod stream;
mod topics;
mod websocket;
mod wire;

use std::{net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use deed_domain::{
    client_certificate::ClientCertificate,
    ids::{DeviceId, DeviceSessionId},
    ports::{Clock, DeviceWatch, Entropy},
};
use futures_util::FutureExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::{
    arrivals::Arrival,
    stream::Stream,
    websocket::{PeerAddress, router as over_websocket},
};
use self::{
    arrivals::Arrivals,
    sessions::{Place, Sessions},
};
use crate::device_protocol::DeviceProtocol;

/// What is configured.
#[derive(Clone, Copy, Debug)]
pub struct MqttSettings {
    /// Most connections at once.
    pub most_connections: usize,
    /// Most bytes of a packet after its fixed header.
    pub max_payload: usize,
    /// How long a connection may be silent, whatever the client says of itself.
    pub idle_limit: Duration,
    /// Whether a refused registration is acknowledged all the same, as old firmware may rely on.
    pub legacy_ack: bool,
    /// Whether a refusal ends the connection where the protocol has no words for it, which is before MQTT 5.
    pub closes_on_refusal: bool,
    /// Whether a certificate lets its device in before and after the time for which it was issued.
    pub takes_expired_certificates: bool,
}

/// Speaks MQTT with devices.
pub struct Mqtt {
    protocol: DeviceProtocol,
    settings: MqttSettings,
    sessions: Arc<Sessions>,
    devices: Arc<dyn DeviceWatch>,
    arrivals: Arc<Arrivals>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    open: TaskTracker,
    stopping: CancellationToken,
}

impl Mqtt {
    /// Over these ports; when `stopping` is cancelled, every connection ends, after what has been accepted.
    pub fn new(
        protocol: DeviceProtocol,
        settings: MqttSettings,
        entropy: Arc<dyn Entropy>,
        devices: Arc<dyn DeviceWatch>,
        stopping: CancellationToken,
    ) -> Arc<Self> {
        let clock = Arc::clone(&protocol.clock);
        let sessions = Arc::<Sessions>::default();
        let watcher = Arc::downgrade(&sessions);
        devices.watch(watcher);
        let open = TaskTracker::new();
        let arrivals = Arrivals::of(settings.most_connections);
        Arc::new(Self { protocol, settings, sessions, devices, arrivals, clock, entropy, open, stopping })
    }

    /// Begins the device's session here, and has it end at the other nodes.
    fn begin_session(&self, device_id: DeviceId) -> Place {
        let id = self.new_session_id();
        let place = self.sessions.enter(device_id, id);
        self.devices.session_began(device_id, id);
        place
    }

    /// Ends the device's session, here and at the other nodes: somebody else speaks for it.
    fn end_session(&self, device_id: DeviceId) {
        self.sessions.end(device_id);
        self.devices.session_began(device_id, self.new_session_id());
    }

    fn new_session_id(&self) -> DeviceSessionId {
        DeviceSessionId(self.entropy.new_id(self.clock.now()))
    }

    /// A connection comes, and is one from here on; nothing if there are as many as there may be.
    pub fn arrive(&self, from: IpAddr) -> Option<Arrival> {
        self.arrivals.enter(from)
    }

    /// Speaks with one client until either goes. Over TLS, it may have presented a certificate.
    pub async fn speak<S: Stream>(
        self: Arc<Self>,
        arrival: Arrival,
        stream: S,
        certificate: Option<ClientCertificate>,
    ) {
        introduction::run(self, arrival, stream, certificate).await;
    }

    /// The same, as the service does it: counted, and a fault of ours ends this connection alone.
    pub async fn serve<S: Stream>(
        self: Arc<Self>,
        arrival: Arrival,
        stream: S,
        certificate: Option<ClientCertificate>,
    ) {
        let _open = self.open.token();
        metrics::gauge!("deed_mqtt_connections").increment(1);
        let ended = AssertUnwindSafe(self.speak(arrival, stream, certificate)).catch_unwind().await;
        metrics::gauge!("deed_mqtt_connections").decrement(1);
        if ended.is_err() {
            metrics::counter!("deed_connection_panics_total", "transport" => "mqtt").increment(1);
            tracing::error!("a connection ended by a fault of the service");
        }
    }

    /// Waits until every connection has ended. Nobody may be let in any more.
    pub async fn ended(&self) {
        self.open.close();
        self.open.wait().await;
    }
}
