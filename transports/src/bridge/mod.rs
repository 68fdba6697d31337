//! The service as a client of the broker that a fleet already has (`docs/protocol.md`, bridge to a broker).
//!
//! | module | what it holds |
//! |---|---|
//! | [`pattern`] | topics in which one level says which device it is |
//! | [`message`] | one message, carried out |
//! | [`carried_out`] | which messages that come again were carried out |
//!
//! A message is acknowledged to the broker when what it asks for is durable or refused, and in the order in which it came;
//! until then the broker keeps it, also across a restart of either. After a connection has broken, nothing is acknowledged
//! that came over it: the broker sends it again, and what was carried out is only acknowledged then. Of one topic, messages are
//! carried out one after the other, so the newest key counts.

mod carried_out;
mod message;
mod pattern;

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    iter,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use deed_domain::ids::TenantId;
use futures_util::{FutureExt, StreamExt, stream::FuturesOrdered};
use rumqttc::{
    TlsConfiguration, Transport,
    v5::{
        AsyncClient, ConnectionError, Event, EventLoop, MqttOptions,
        mqttbytes::{
            QoS,
            v5::{Filter, Packet, Publish, RetainForwardRule, SubscribeReasonCode},
            valid_topic,
        },
    },
};
use serde_json::Value;
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};
use tokio_rustls::rustls::ClientConfig;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

pub use self::pattern::{DeviceLevel, NotAPattern, TopicPattern};
use self::{carried_out::CarriedOut, message::Devices};
use crate::device_protocol::DeviceProtocol;

/// Most messages under way at once: the broker holds the others back. While there are more, because a connection broke, nothing
/// is read.
const UNDER_WAY: u16 = 128;
/// Acknowledgements and replies that the client takes before it has sent them.
const REQUESTS: usize = 512;
/// Messages on the same topic are carried out one after the other; so many topics can be told apart.
const TURNS: usize = 1_024;
/// Most bytes of a packet; the broker drops what is larger. Enough for the largest claim and its topic.
const MAX_PACKET: u32 = 256 * 1_024;
/// How long the broker keeps what comes while the service is away.
const SESSION_EXPIRY_S: u32 = 7 * 86_400;
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long to wait before the next connection, at first and at most.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];
/// How long what is under way may take when the service stops.
const GRACE: Duration = Duration::from_secs(10);

/// Which broker, and what of it.
#[derive(Clone)]
pub struct BridgeSettings {
    /// The broker's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How TLS is spoken with it, if it is.
    pub tls: Option<Arc<ClientConfig>>,
    /// What the service calls itself. The broker keeps its messages under this id.
    pub client_id: String,
    /// The user name and the password, if the broker asks for them.
    pub credentials: Option<(String, Zeroizing<String>)>,
    /// Where devices send their claim info.
    pub topic: TopicPattern,
    /// Where they are told what became of it, if they are.
    pub reply: Option<TopicPattern>,
    /// Whose devices are meant by their names.
    pub tenant_id: TenantId,
}

impl fmt::Debug for BridgeSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BridgeSettings").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// Takes messages from a broker.
#[derive(Clone)]
pub struct Bridge {
    settings: BridgeSettings,
    protocol: DeviceProtocol,
}

/// What it works with, from its first connection on.
struct Bridging {
    devices: Arc<Devices>,
    reply: Option<TopicPattern>,
    filter: String,
    client: AsyncClient,
    connection: EventLoop,
    address: String,
}

/// A message that has been carried out.
struct Done {
    publish: Publish,
    /// The connection over which it came.
    connection: u64,
    /// What became of it, and of which device.
    told: Option<(String, Value)>,
}

impl Bridge {
    /// A bridge that is not connected yet.
    pub const fn new(settings: BridgeSettings, protocol: DeviceProtocol) -> Self {
        Self { settings, protocol }
    }

    fn begin(self) -> Bridging {
        let Self { settings, protocol } = self;
        let BridgeSettings { host, port, tls, client_id, credentials, topic, reply, tenant_id } = settings;
        let address = format!("{host}:{port}");
        let mut options = MqttOptions::new(client_id, host, port);
        options.set_keep_alive(KEEP_ALIVE).set_clean_start(false).set_manual_acks(true);
        options.set_receive_maximum(Some(UNDER_WAY)).set_max_packet_size(Some(MAX_PACKET));
        options.set_session_expiry_interval(Some(SESSION_EXPIRY_S));
        if let Some((user, password)) = credentials {
            options.set_credentials(user, password.as_str());
        }
        if let Some(tls) = tls {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)));
        }
        let (client, connection) = AsyncClient::new(options, REQUESTS);
        let filter = topic.filter();
        let devices = Arc::new(Devices { protocol, topic, tenant_id });
        Bridging { devices, reply, filter, client, connection, address }
    }

    /// Takes messages until the service stops; then finishes and acknowledges what is under way. Where this is dropped, nothing
    /// further is carried out or acknowledged: the broker gives it to who comes next.
    pub async fn run(self, stopping: CancellationToken) {
        let Bridging { devices, reply, filter, client, mut connection, address } = self.begin();
        let _ended = Ended;
        // Acknowledges it, or says that the client takes no more for now.
        let acknowledge = |connection: u64, done: &mut Done| {
            if done.connection != connection {
                return true;
            }
            if let (Some(reply), Some((device, told))) = (&reply, &done.told) {
                let topic = reply.with(device);
                if !valid_topic(&topic) {
                    count("not_told");
                // A reply that the broker has to acknowledge would wait for its window, and every acknowledgement behind it.
                } else if client.try_publish(topic, QoS::AtMostOnce, false, told.to_string()).is_err() {
                    return false;
                }
                done.told = None;
            }
            client.try_ack(&done.publish).is_ok()
        };
        let turns: Vec<Arc<Mutex<()>>> = iter::repeat_with(Arc::default).take(TURNS).collect();
        let hasher = RandomState::new();
        let known = Arc::<CarriedOut>::default();
        let mut carried_out: Option<Done> = None;
        let mut session = 0_u64;
        let (mut under_way, mut number, mut pause) = (FuturesOrdered::new(), 0_u64, PAUSES[0]);
        let mut is_connected = false;
        loop {
            let event = {
                let mut next = pin!(connection.poll());
                loop {
                    carried_out.take_if(|done| acknowledge(number, done));
                    let has_room = under_way.len() < 2 * usize::from(UNDER_WAY);
                    tokio::select! {
                        event = &mut next, if has_room || carried_out.is_some() => break Some(event),
                        Some(done) = under_way.next(), if carried_out.is_none() => carried_out = Some(done),
                        () = stopping.cancelled() => break None,
                    }
                }
            };
            match event {
                None => break,
                Some(Ok(Event::Incoming(Packet::ConnAck(answer)))) => {
                    tracing::info!(broker = address, filter, "connected with the broker");
                    // Another session of the broker's has other messages under the same numbers.
                    session += u64::from(!answer.session_present);
                    (number, pause, is_connected) = (number + 1, PAUSES[0], true);
                    gauge(is_connected);
                    let mut wanted = Filter::new(filter.clone(), QoS::AtLeastOnce);
                    // What was said once and is kept for whoever comes is nobody's claim of today.
                    wanted.retain_forward_rule = RetainForwardRule::Never;
                    if client.try_subscribe_many([wanted]).is_err() {
                        tracing::error!("the broker could not be asked for messages");
                    }
                }
                Some(Ok(Event::Incoming(Packet::SubAck(answer)))) => {
                    let refused =
                        answer.return_codes.iter().find(|code| !matches!(code, SubscribeReasonCode::Success(_)));
                    if let Some(why) = refused {
                        tracing::error!(broker = address, filter, ?why, "the broker does not give the messages");
                    }
                }
                Some(Ok(Event::Incoming(Packet::Publish(publish)))) => {
                    let is_promised = publish.qos != QoS::AtMostOnce;
                    if is_promised {
                        known.came(session, &publish);
                    }
                    if publish.retain || (!is_promised && under_way.len() >= usize::from(UNDER_WAY)) {
                        count("dropped");
                        if !is_promised {
                            continue;
                        }
                        under_way.push_back(nothing(publish, number).boxed());
                        continue;
                    }
                    let turn = usize::try_from(hasher.hash_one(&publish.topic)).unwrap_or_default() % TURNS;
                    let turn = Arc::clone(&turns[turn]);
                    let known = Arc::clone(&known);
                    under_way.push_back(carry_out(Arc::clone(&devices), known, turn, publish, session, number).boxed());
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    // What is still to be heard of this connection is acknowledged over no other.
                    number += 1;
                    if is_connected || pause == PAUSES[0] {
                        tracing::warn!(broker = address, error = %told(&error), "no connection with the broker; trying again");
                    }
                    is_connected = false;
                    gauge(is_connected);
                    tokio::select! {
                        () = sleep(pause) => {}
                        () = stopping.cancelled() => break,
                    }
                    pause = (pause * 2).min(PAUSES[1]);
                }
            }
        }
        let _ = timeout(GRACE, async {
            while is_connected && (!under_way.is_empty() || carried_out.is_some()) {
                tokio::select! {
                    event = connection.poll() => match event {
                        // What comes now stays with the broker.
                        Ok(_) => {}
                        Err(_) => return,
                    },
                    Some(done) = under_way.next(), if carried_out.is_none() => carried_out = Some(done),
                }
                carried_out.take_if(|done| acknowledge(number, done));
            }
            if is_connected && client.try_disconnect().is_ok() {
                while !matches!(connection.poll().await, Err(_) | Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect))) {}
            }
        })
        .await;
    }
}

/// However a bridge ends, it is not connected any more.
struct Ended;

impl Drop for Ended {
    fn drop(&mut self) {
        gauge(false);
    }
}

/// What is only acknowledged, in its turn.
async fn nothing(publish: Publish, connection: u64) -> Done {
    Done { publish, connection, told: None }
}

/// Carries out a message, after those before it on the same topic: of a device's keys, the newest counts. One that was carried
/// out before is not again, as the device may have had another owner since.
async fn carry_out(
    devices: Arc<Devices>,
    known: Arc<CarriedOut>,
    turn: Arc<Mutex<()>>,
    publish: Publish,
    session: u64,
    connection: u64,
) -> Done {
    let _turn = turn.lock().await;
    if known.has(session, &publish) {
        count("again");
        return nothing(publish, connection).await;
    }
    let told = match str::from_utf8(&publish.topic) {
        Ok(topic) => devices.register(topic, &publish.payload, &format!("bridge-{connection}-{}", publish.pkid)).await,
        Err(_) => None,
    };
    known.add(session, &publish);
    count(if told.is_some() { "carried_out" } else { "other_topic" });
    Done { publish, connection, told }
}

/// What went wrong, without what the library repeats of a packet.
fn told(error: &ConnectionError) -> String {
    match error {
        ConnectionError::NotConnAck(_) => "the broker answered something else than CONNACK".to_owned(),
        ConnectionError::ConnectionRefused(code) => format!("the broker refused the connection: {code:?}"),
        other => other.to_string(),
    }
}

fn gauge(is_connected: bool) {
    metrics::gauge!("deed_bridge_connected").set(f64::from(u8::from(is_connected)));
}

fn count(outcome: &'static str) {
    metrics::counter!("deed_bridge_messages_total", "outcome" => outcome).increment(1);
}
