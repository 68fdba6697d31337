//! What happens on a connection whose client was let in: all in its one task.
//!
//! Messages become futures in a queue of limited length, so that what a client sends at once is stored together, and are
//! acknowledged in the order in which they came. While the queue is full, nothing is read: the client waits. So it does
//! while what is to be sent to it is too much, and before the former session of its device has finished.

use std::{
    future::{Future, pending, ready},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, stream::FuturesOrdered};
use mqtt_protocol_core::mqtt::{
    packet::Qos,
    result_code::{DisconnectReasonCode, PubackReasonCode, SubackReasonCode},
};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::{Instant, sleep_until},
};
use uuid::Uuid;

use super::{
    Mqtt,
    connect::{self, Client},
    heard::{Ack, Fault, Heard},
    known::Known,
    publish::{self, End, Outcome, Reply, Step},
    sessions::{self, Place, Told},
    stream::{Stream, flush, read},
    topics::Subscriptions,
    wire::Wire,
};

/// How long a client that adds itself may stay, from its connection or from its last answer on.
const NEWCOMER: Duration = Duration::from_secs(60);
/// Most messages that are under way at once.
const QUEUE: usize = 128;
/// Most bytes of messages that are under way, beyond which no further one is begun.
const QUEUE_BYTES: usize = 256 * 1_024;
/// Bytes that are to be sent, beyond which they are sent before anything further is acknowledged.
const REPLY_BYTES: usize = 64 * 1_024;

/// How the filters of shared subscriptions begin, of which there are none.
const SHARED: &str = "$share/";

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The client goes, or is not there any more.
    Gone,
    /// It is told why, in MQTT 5, and cut off.
    Told(DisconnectReasonCode),
}

type Carrying = Pin<Box<dyn Future<Output = Step> + Send>>;

/// A connection whose client was let in.
pub(super) struct Session {
    mqtt: Arc<Mqtt>,
    wire: Wire,
    client: Client,
    place: Option<Place>,
    /// Held while messages are carried out.
    turn_of_device: Option<OwnedMutexGuard<()>>,
    id: Arc<str>,
    subscriptions: Subscriptions,
    /// What a client knows that waits for changes of its attributes.
    known: Option<Box<Known>>,
    /// Whose turn it is among the messages that store something.
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
    pub(super) fn new(mqtt: Arc<Mqtt>, wire: Wire, client: Client, keep_alive: Duration, id: Uuid) -> Self {
        let place = match client {
            Client::Device { device, .. } => Some(mqtt.begin_session(device.device_id)),
            Client::Newcomer => None,
        };
        let now = Instant::now();
        Self {
            mqtt,
            wire,
            client,
            place,
            turn_of_device: None,
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

    /// Speaks with the client until either goes.
    pub(super) async fn run<S: Stream>(&mut self, stream: &mut S) {
        let mqtt = Arc::clone(&self.mqtt);
        // The client is let in, and need not wait for that.
        if flush(stream, &mut self.wire, ends(&mqtt, self.place.as_ref(), false)).await.is_err() {
            return;
        }
        self.take_turn().await;
        loop {
            self.hear();
            if self.known.is_none() && self.subscriptions.attributes().is_some() && self.ending.is_none() {
                self.look().await;
            }
            if self.ending.is_some() && self.under_way.is_empty() {
                break;
            }
            let is_ending = self.ending.is_some();
            if flush(stream, &mut self.wire, ends(&mqtt, self.place.as_ref(), is_ending)).await.is_err() {
                self.give_up().await;
                return;
            }
            let (deadline, late) = self.deadline();
            let reads = self.ending.is_none() && self.has_room();
            tokio::select! {
                // What was stored is acknowledged before its consequences are told, and that before more is read.
                biased;
                Some(step) = self.under_way.next(), if !self.under_way.is_empty() => self.acknowledge_all(step).await,
                told = sessions::told(self.place.as_ref()), if self.ending.is_none() => self.heed(told).await,
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

    /// What is still to be sent.
    pub(super) fn into_wire(self) -> Wire {
        self.wire
    }

    /// Waits until what the device's former sessions began is finished. A session that ends before that begins nothing.
    async fn take_turn(&mut self) {
        let mqtt = Arc::clone(&self.mqtt);
        while self.ending.is_none() && self.turn_of_device.is_none() {
            let Some(place) = &self.place else { break };
            tokio::select! {
                biased;
                told = place.told() => self.heed(told).await,
                () = mqtt.stopping.cancelled() => self.end(Ending::Told(DisconnectReasonCode::ServerShuttingDown)),
                turn = place.turn() => self.turn_of_device = Some(turn),
            }
        }
        self.last_heard = Instant::now();
    }

    /// What was sent is still stored: the client may have gone because it has said everything. What it asked, nobody
    /// waits for any more.
    async fn give_up(&mut self) {
        while let Some(step) = self.under_way.next().await {
            drop(step);
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
                let asks = publish::asks(&message.topic);
                let (mqtt, turn) = (Arc::clone(&self.mqtt), Arc::clone(&self.turn));
                let carrying = publish::carry_out(mqtt, self.client, Arc::clone(&self.id), turn, message);
                self.under_way.push_back(match asks {
                    true => Box::pin(ready(Step::Asks(Box::pin(carrying)))),
                    false => Box::pin(carrying.map(Step::Done)),
                });
            }
            Heard::Release(id) => self.wire.complete(id),
            Heard::Subscribe { id, filters } => {
                let is_provisioning = matches!(self.client, Client::Newcomer);
                let mut grant = |(filter, qos): (String, Qos)| {
                    let most = if qos == Qos::AtMostOnce { qos } else { Qos::AtLeastOnce };
                    let refused = match filter.starts_with(SHARED) {
                        true => SubackReasonCode::SharedSubscriptionsNotSupported,
                        false => SubackReasonCode::TopicFilterInvalid,
                    };
                    self.subscriptions.subscribe(&filter, most, is_provisioning).then_some(most).ok_or(refused)
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

    /// Acknowledges that one and those behind it that are ready, too, so that they are sent together, as far as that is not
    /// too much.
    async fn acknowledge_all(&mut self, first: Step) {
        let mut next = Some(first);
        while let Some(step) = next {
            let outcome = match step {
                Step::Done(outcome) => outcome,
                Step::Asks(answer) => answer.await,
            };
            self.acknowledge(outcome);
            let has_room = self.wire.outgoing_bytes() < REPLY_BYTES;
            next = if has_room { self.under_way.next().now_or_never().flatten() } else { None };
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
            End::Full(why) if is_v5 => Some((PubackReasonCode::QuotaExceeded, why.as_str())),
            End::Refused(_) | End::Full(_) | End::Unusable(_) if self.mqtt.settings.closes_on_refusal => {
                return Err(DisconnectReasonCode::NotAuthorized);
            }
            End::Refused(_) | End::Full(_) | End::Unusable(_) => None,
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
        if told.credentials && !connect::is_still_let_in(&self.mqtt, self.client).await {
            self.end(Ending::Told(DisconnectReasonCode::AdministrativeAction));
        }
        if told.written && self.known.is_some() && self.ending.is_none() {
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

/// Waits until the connection ends, for reasons that need not wait for what is sent to the client.
async fn ends(mqtt: &Mqtt, place: Option<&Place>, is_ending: bool) {
    let taken_over = async {
        match place {
            Some(place) => place.taken_over().await,
            None => pending().await,
        }
    };
    if !is_ending {
        tokio::select! {
            () = mqtt.stopping.cancelled() => {}
            () = taken_over => {}
        }
    }
}
