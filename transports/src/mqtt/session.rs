//! One connection, from its first byte to its last: one task.
//!
//! Messages become futures in a queue of limited length, so that what a client sends at once is stored together, and are
//! acknowledged in the order in which they came. While the queue is full, nothing is read: the client waits.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use deed_domain::client_certificate::ClientCertificate;
use futures_util::{FutureExt, StreamExt, stream::FuturesOrdered};
use mqtt_protocol_core::mqtt::{
    packet::Qos,
    result_code::{DisconnectReasonCode, PubackReasonCode},
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout_at},
};
use uuid::Uuid;

use super::{
    Mqtt,
    connect::{self, Client},
    heard::{Ack, Fault, Heard},
    known::Known,
    publish::{self, End, Outcome, Reply},
    sessions::{Place, Told},
    stream::{Stream, close, flush, read},
    topics::Subscriptions,
    wire::Wire,
};

/// How long a client may take to introduce itself.
pub(super) const INTRODUCTION: Duration = Duration::from_secs(10);
/// How long a client that adds itself may stay, from its connection or from its last answer on.
const NEWCOMER: Duration = Duration::from_secs(60);
/// Most messages that are under way at once.
const QUEUE: usize = 128;
/// Most bytes of messages that are under way, beyond which no further one is begun.
const QUEUE_BYTES: usize = 256 * 1_024;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The client goes, or is not there any more.
    Gone,
    /// It is told why, in MQTT 5, and cut off.
    Told(DisconnectReasonCode),
}

/// Speaks with a client until either goes.
pub(super) async fn run<S: Stream>(mqtt: Arc<Mqtt>, mut stream: S, certificate: Option<ClientCertificate>) {
    let mut wire = Wire::new(mqtt.settings.max_payload);
    let session = mqtt.entropy.new_id(mqtt.clock.now());
    // Rare and large: it is not kept in the task of a connection that is open for days.
    let let_in = Box::pin(introduce(&mqtt, &mut stream, &mut wire, certificate, session)).await;
    if let Some((client, keep_alive)) = let_in {
        let mut session = Box::new(Session::new(mqtt, wire, client, keep_alive, session));
        session.run(&mut stream).await;
        wire = session.wire;
    }
    // Whether the last words arrive is the client's affair.
    let _ = flush(&mut stream, &mut wire).await;
    close(&mut stream).await;
}

/// Waits for the client to introduce itself, and answers.
async fn introduce<S: Stream>(
    mqtt: &Mqtt,
    stream: &mut S,
    wire: &mut Wire,
    certificate: Option<ClientCertificate>,
    session: Uuid,
) -> Option<(Client, Duration)> {
    let deadline = Instant::now() + INTRODUCTION;
    let connect = loop {
        match wire.hear(|_| false) {
            Ok(Some(Heard::Connect(connect))) => break connect,
            Ok(Some(_)) => return None,
            Ok(None) => {}
            Err(fault) => {
                connect::answer_fault(wire, &fault);
                return None;
            }
        }
        let read = tokio::select! {
            read = timeout_at(deadline, read(stream, wire.inbox())) => read,
            () = mqtt.stopping.cancelled() => return None,
        };
        if !matches!(read, Ok(Ok(1..))) {
            return None;
        }
    };
    let keep_alive = Duration::from_millis(u64::from(connect.keep_alive) * 1_500);
    let client = connect::admit(mqtt, wire, connect, certificate.as_ref(), session).await?;
    Some((client, keep_alive))
}

type Carrying = Pin<Box<dyn Future<Output = Outcome> + Send>>;

struct Session {
    mqtt: Arc<Mqtt>,
    wire: Wire,
    client: Client,
    place: Option<Place>,
    id: Arc<str>,
    subscriptions: Subscriptions,
    /// What a client knows that waits for changes of its attributes.
    known: Option<Box<Known>>,
    /// Whose turn it is among the messages of a gateway.
    turn: Arc<Mutex<()>>,
    /// What is under way, in the order of its acknowledgements.
    under_way: FuturesOrdered<Carrying>,
    /// The messages of QoS 2 among it.
    exactly_once: Vec<u16>,
    bytes: usize,
    /// How long the client may be silent by its own word; zero for ever.
    keep_alive: Duration,
    last_heard: Instant,
    /// From when on a client that adds itself has its time.
    since: Instant,
    ending: Option<Ending>,
}

impl Session {
    fn new(mqtt: Arc<Mqtt>, wire: Wire, client: Client, keep_alive: Duration, id: Uuid) -> Self {
        let place = match client {
            Client::Device { device, .. } => Some(mqtt.sessions.enter(device.device_id)),
            Client::Newcomer => None,
        };
        let now = Instant::now();
        Self {
            mqtt,
            wire,
            client,
            place,
            id: id.to_string().into(),
            subscriptions: Subscriptions::default(),
            known: None,
            turn: Arc::default(),
            under_way: FuturesOrdered::new(),
            exactly_once: Vec::new(),
            bytes: 0,
            keep_alive,
            last_heard: now,
            since: now,
            ending: None,
        }
    }

    async fn run<S: Stream>(&mut self, stream: &mut S) {
        let mqtt = Arc::clone(&self.mqtt);
        loop {
            self.hear();
            if self.known.is_none() && self.subscriptions.attributes().is_some() && self.ending.is_none() {
                self.look().await;
            }
            if self.ending.is_some() && self.under_way.is_empty() {
                break;
            }
            if flush(stream, &mut self.wire).await.is_err() {
                self.give_up().await;
                return;
            }
            let (deadline, late) = self.deadline();
            let reads = self.ending.is_none() && self.has_room();
            tokio::select! {
                // What was stored is acknowledged before its consequences are told, and that before more is read.
                biased;
                Some(outcome) = self.under_way.next(), if !self.under_way.is_empty() => self.acknowledge_all(outcome),
                told = told(self.place.as_ref()), if self.ending.is_none() => self.heed(told).await,
                () = mqtt.stopping.cancelled(), if self.ending.is_none() => {
                    self.end(Ending::Told(DisconnectReasonCode::ServerShuttingDown));
                }
                () = sleep_until(deadline), if reads => self.end(Ending::Told(late)),
                read = read(stream, self.wire.inbox()), if reads => {
                    if !matches!(read, Ok(1..)) {
                        self.end(Ending::Gone);
                    }
                }
            }
        }
        if let Some(Ending::Told(code)) = self.ending {
            self.wire.farewell(code);
        }
    }

    /// What was sent is still stored: the client may have gone because it has said everything.
    async fn give_up(&mut self) {
        while let Some(outcome) = self.under_way.next().await {
            drop(outcome);
        }
    }

    /// The first reason counts.
    fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    fn has_room(&self) -> bool {
        self.under_way.len() < QUEUE && self.bytes < QUEUE_BYTES
    }

    fn deadline(&self) -> (Instant, DisconnectReasonCode) {
        let idle = (self.last_heard + self.mqtt.settings.idle_limit, DisconnectReasonCode::MaximumConnectTime);
        let silent = (self.last_heard + self.keep_alive, DisconnectReasonCode::KeepAliveTimeout);
        let newcomer = (self.since + NEWCOMER, DisconnectReasonCode::MaximumConnectTime);
        let mut first = idle;
        if !self.keep_alive.is_zero() && silent.0 < first.0 {
            first = silent;
        }
        if matches!(self.client, Client::Newcomer) && newcomer.0 < first.0 {
            first = newcomer;
        }
        first
    }

    /// Acts on the packets that have come, as long as there is room.
    fn hear(&mut self) {
        while self.ending.is_none() && self.has_room() {
            let exactly_once = &self.exactly_once;
            match self.wire.hear(|id| exactly_once.contains(&id)) {
                Ok(None) => return,
                Ok(Some(heard)) => {
                    self.last_heard = Instant::now();
                    self.act(heard);
                }
                Err(Fault::Broken(code)) => self.end(Ending::Told(code)),
                Err(Fault::UnknownVersion { .. } | Fault::NoConnect) => {
                    self.end(Ending::Told(DisconnectReasonCode::ProtocolError));
                }
            }
        }
    }

    fn act(&mut self, heard: Heard) {
        match heard {
            Heard::Publish(message) => {
                metrics::counter!("deed_mqtt_messages_total").increment(1);
                if let Ack::Pubrec(id) = message.ack {
                    self.exactly_once.push(id);
                }
                self.bytes += message.topic.len() + message.payload.len();
                let (mqtt, turn) = (Arc::clone(&self.mqtt), Arc::clone(&self.turn));
                let carrying = publish::carry_out(mqtt, self.client, Arc::clone(&self.id), turn, message);
                self.under_way.push_back(Box::pin(carrying));
            }
            Heard::Release(id) => self.wire.complete(id),
            Heard::Subscribe { id, filters } => {
                let is_provisioning = matches!(self.client, Client::Newcomer);
                let mut grant = |(filter, qos): (String, Qos)| {
                    let most = if qos == Qos::AtMostOnce { qos } else { Qos::AtLeastOnce };
                    self.subscriptions.subscribe(&filter, most, is_provisioning).then_some(most)
                };
                let granted: Vec<_> = filters.into_iter().map(&mut grant).collect();
                self.wire.subscribed(id, &granted);
            }
            Heard::Unsubscribe { id, filters } => {
                let were_in: Vec<_> = filters.iter().map(|filter| self.subscriptions.unsubscribe(filter)).collect();
                self.wire.unsubscribed(id, &were_in);
            }
            Heard::Ping => self.wire.pong(),
            Heard::Disconnect => self.end(Ending::Gone),
            Heard::Connect(_) => self.end(Ending::Told(DisconnectReasonCode::ProtocolError)),
            Heard::Other => {}
        }
    }

    /// Acknowledges that one and those behind it that are ready, too, so that they are sent together.
    fn acknowledge_all(&mut self, first: Outcome) {
        let mut next = Some(first);
        while let Some(outcome) = next {
            self.acknowledge(outcome);
            next = self.under_way.next().now_or_never().flatten();
        }
    }

    fn acknowledge(&mut self, outcome: Outcome) {
        let Outcome { ack, end, reply, bytes } = outcome;
        self.bytes = self.bytes.saturating_sub(bytes);
        if let Ack::Pubrec(id) = ack {
            self.exactly_once.retain(|other| *other != id);
        }
        // After a message that ends the connection, nothing is acknowledged.
        if matches!(self.ending, Some(Ending::Told(code)) if is_cut_off(code)) {
            return;
        }
        match self.answer(ack, end) {
            Ok(()) => {
                if let Some(Reply { topic, payload }) = reply {
                    self.since = Instant::now();
                    self.wire.publish(&topic, payload, self.subscriptions.qos(&topic));
                }
            }
            Err(code) => self.ending = Some(Ending::Told(code)),
        }
    }

    /// Tells what became of a message, in the words of the client's version; otherwise why the connection ends.
    fn answer(&mut self, ack: Ack, end: End) -> Result<(), DisconnectReasonCode> {
        let (is_v5, is_told) = (self.wire.is_v5(), ack != Ack::None);
        let refused = match &end {
            End::Done => None,
            End::UnknownTopic => Some((PubackReasonCode::TopicNameInvalid, "the topic is unknown")),
            End::Malformed { why, .. } if is_v5 && is_told => {
                Some((PubackReasonCode::PayloadFormatInvalid, why.as_str()))
            }
            End::Malformed { stays: true, .. } => None,
            End::Malformed { .. } => return Err(DisconnectReasonCode::PayloadFormatInvalid),
            End::Incomplete(why) if is_v5 => Some((PubackReasonCode::ImplementationSpecificError, why.as_str())),
            End::Incomplete(_) => None,
            End::Refused(why) if is_v5 => Some((PubackReasonCode::NotAuthorized, why.as_str())),
            End::Unusable(why) if is_v5 => Some((PubackReasonCode::PayloadFormatInvalid, why.as_str())),
            End::Refused(_) | End::Unusable(_) if self.mqtt.settings.closes_on_refusal => {
                return Err(DisconnectReasonCode::NotAuthorized);
            }
            End::Refused(_) | End::Unusable(_) => None,
            End::TooMany if is_v5 => Some((PubackReasonCode::QuotaExceeded, "too many messages")),
            End::TooMany => return Err(DisconnectReasonCode::MessageRateTooHigh),
            End::NotStored => return Err(DisconnectReasonCode::ServerBusy),
            End::Gone => return Err(DisconnectReasonCode::AdministrativeAction),
        };
        self.wire.acknowledge(ack, refused);
        if end == End::UnknownTopic && matches!(self.client, Client::Newcomer) {
            return Err(DisconnectReasonCode::TopicNameInvalid);
        }
        if matches!(end, End::Incomplete(_)) {
            return Err(DisconnectReasonCode::ImplementationSpecificError);
        }
        Ok(())
    }

    /// Acts on what the session is told from outside.
    async fn heed(&mut self, told: Told) {
        if told.taken_over {
            self.end(Ending::Told(DisconnectReasonCode::SessionTakenOver));
        }
        if told.credentials && !is_still_let_in(&self.mqtt, self.client).await {
            self.end(Ending::Told(DisconnectReasonCode::AdministrativeAction));
        }
        if told.written && self.known.is_some() {
            self.look().await;
        }
    }

    /// Looks how it stands with the device, and tells a client that waits for that what is otherwise than it knows. What
    /// cannot be read now is told with the next change.
    async fn look(&mut self) {
        let (Client::Device { device, .. }, Some(topic)) = (self.client, self.subscriptions.attributes()) else {
            self.known = None;
            return;
        };
        let Ok(now) = Known::read(&self.mqtt.protocol, device).await else { return };
        if let Some(before) = self.known.take() {
            let qos = self.subscriptions.qos(topic);
            now.news(&before).into_iter().for_each(|news| self.wire.publish(topic, news, qos));
        }
        self.known = Some(Box::new(now));
    }
}

/// Whether the credentials by which the client came are still those of the device. If that cannot be read, it stays.
async fn is_still_let_in(mqtt: &Mqtt, client: Client) -> bool {
    let Client::Device { device, credentials_version } = client else { return true };
    match mqtt.protocol.credentials.of_device(device.device_id).await {
        Ok(found) => found.is_some_and(|found| found.version == credentials_version),
        Err(_) => true,
    }
}

/// Whether after these words nothing is acknowledged any more: a message was not carried out.
const fn is_cut_off(code: DisconnectReasonCode) -> bool {
    matches!(
        code,
        DisconnectReasonCode::PayloadFormatInvalid
            | DisconnectReasonCode::NotAuthorized
            | DisconnectReasonCode::MessageRateTooHigh
            | DisconnectReasonCode::ServerBusy
            | DisconnectReasonCode::TopicNameInvalid
            | DisconnectReasonCode::ImplementationSpecificError
    )
}

async fn told(place: Option<&Place>) -> Told {
    match place {
        Some(place) => place.told().await,
        None => std::future::pending().await,
    }
}
