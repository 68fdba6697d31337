//! What a message of a client asks for, carried out: each ends in one [`Outcome`], by which it is acknowledged.

use std::{
    borrow::Cow,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use deed_domain::{
    claims::Failure,
    device::Refusal,
    metadata::Transport,
    ports::{DeviceIdentity, PayloadEncoding},
};
use futures_util::future::join;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};

use super::{
    Mqtt,
    connect::Client,
    heard::{Ack, Message},
    topics::{Encoding, Form, Topic},
};
use crate::device_protocol::{
    GatewayError, GatewayFault, MessageError, NotAnswered, NotPublished, NotRegistered, Wanted, check_telemetry,
    count_registration, read,
};

/// How the topics of gateways begin.
const OF_GATEWAYS: &str = "v1/gateway/";

/// What became of a message.
pub(super) struct Outcome {
    /// How it is acknowledged.
    pub(super) ack: Ack,
    /// What its sender is told.
    pub(super) end: End,
    /// What is sent to the client besides.
    pub(super) reply: Option<Reply>,
    /// How much room it took.
    pub(super) bytes: usize,
}

/// What the sender of a message is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is durable, or there was nothing to store.
    Done,
    /// Nobody knows the topic.
    UnknownTopic,
    /// It cannot be read.
    Malformed {
        /// Why.
        why: String,
        /// Whether the connection stays all the same.
        stays: bool,
    },
    /// A request to be added lacks something: it is acknowledged as wrong, and the connection ends.
    Incomplete(String),
    /// A name or type that the message gives cannot be one.
    Unusable(String),
    /// The rules say no.
    Refused(String),
    /// The device keeps as much as it may.
    Full(String),
    /// The client has sent as much as it may.
    TooMany,
    /// It was not stored for reasons that pass: to be sent again.
    NotStored,
    /// The device is not there any more.
    Gone,
}

/// How far a message is when its turn to be acknowledged comes.
pub(super) enum Step {
    /// It was carried out.
    Done(Outcome),
    /// It asks what is stored, and is carried out now: all that was sent before it counts, and of its answers, which may be
    /// large, one is held at a time.
    Asks(Pin<Box<dyn Future<Output = Outcome> + Send>>),
}

/// A message to the client.
pub(super) struct Reply {
    /// Where to.
    pub(super) topic: String,
    /// What.
    pub(super) payload: String,
}

/// A request for attributes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttributesRequest {
    client_keys: Option<String>,
    shared_keys: Option<String>,
}

/// Whether a message on that topic asks what is stored.
pub(super) fn asks(topic: &str) -> bool {
    matches!(Topic::parse(topic), Some(Topic::AttributesRequest(..)))
}

/// Carries a message out. Whoever drops this has not heard of it; it may be stored all the same.
pub(super) async fn carry_out(
    mqtt: Arc<Mqtt>,
    client: Client,
    session: Arc<str>,
    turn: Arc<Mutex<()>>,
    message: Message,
) -> Outcome {
    let Message { topic, payload, ack } = message;
    // A gateway's message makes devices before it registers their keys; the next one must not overtake it.
    let _turn = if topic.starts_with(OF_GATEWAYS) { Some(turn.lock().await) } else { None };
    let bytes = topic.len() + payload.len();
    let payload = payload.as_slice();
    let (end, reply) = match (client, Topic::parse(&topic)) {
        (Client::Newcomer, Some(Topic::Provision)) => provision(&mqtt, &session, payload).await,
        (Client::Device { device, .. }, None) if topic.starts_with(OF_GATEWAYS) => {
            (unknown_to_gateways(&mqtt, device).await, None)
        }
        (Client::Newcomer, _) | (Client::Device { .. }, None | Some(Topic::Provision)) => (End::UnknownTopic, None),
        (Client::Device { device, .. }, Some(topic)) => {
            let publishing = Publishing { mqtt: &mqtt, device, session: &session, turn: &turn, payload };
            let (end, reply) = publishing.carry_out(topic).await.unwrap_or_else(|end| (end, None));
            (publishing.with_the_profiles_patience(end).await, reply)
        }
    };
    Outcome { ack, end, reply, bytes }
}

/// A topic that not even gateways know; who is none is told that.
async fn unknown_to_gateways(mqtt: &Mqtt, device: DeviceIdentity) -> End {
    match mqtt.protocol.is_gateway(device).await {
        Ok(true) => End::UnknownTopic,
        Ok(false) => of_gateway(GatewayError::NotAGateway),
        Err(failure) => of_failure(failure),
    }
}

async fn provision(mqtt: &Mqtt, session: &str, payload: &[u8]) -> (End, Option<Reply>) {
    match mqtt.protocol.provision(Transport::Mqtt, Cow::Owned(session.to_owned()), payload).await {
        Ok(reply) => (End::Done, Some(Reply { topic: "/provision/response".to_owned(), payload: reply.to_json() })),
        Err(NotAnswered::Request(error)) if error.is_incomplete() => (End::Incomplete(error.to_string()), None),
        Err(NotAnswered::Request(error)) => (malformed(&error), None),
        Err(NotAnswered::NotStored(_)) => (End::NotStored, None),
    }
}

struct Publishing<'a> {
    mqtt: &'a Mqtt,
    device: DeviceIdentity,
    session: &'a str,
    turn: &'a Mutex<()>,
    payload: &'a [u8],
}

type Carried = Result<(End, Option<Reply>), End>;

impl Publishing<'_> {
    async fn carry_out(&self, topic: Topic<'_>) -> Carried {
        if self.mqtt.protocol.admit(self.device).is_err() {
            if matches!(topic, Topic::Claim(_)) {
                count_registration(Transport::Mqtt, "too_many_requests");
            }
            return Err(End::TooMany);
        }
        match topic {
            Topic::Claim(encoding) => self.claim(encoding).await,
            Topic::Attributes(encoding) => self.attributes(encoding).await,
            Topic::Telemetry(encoding) => match self.encoding(encoding).await? {
                // What is in it, only the maker of the device knows; nothing of it is kept.
                PayloadEncoding::Protobuf | PayloadEncoding::ProtobufOrJson => done(),
                PayloadEncoding::Json => check_telemetry(self.payload).map_err(|error| malformed(&error)).and(done()),
            },
            Topic::AttributesRequest(form, id) => self.attributes_request(form, id).await,
            Topic::RpcRequest(form, id) => self.rpc_request(form, id).await,
            Topic::RpcResponse => done(),
            Topic::GatewayConnect => self.gateway_connect().await,
            Topic::GatewayDisconnect => {
                let encoding = self.encoding(Encoding::OfProfile).await?;
                let told = self.mqtt.protocol.disconnect_from_gateway(self.device, encoding, self.payload);
                told.await.map_err(of_gateway).and(done())
            }
            Topic::GatewayClaim => {
                let encoding = self.encoding(Encoding::OfProfile).await?;
                let claims = self.mqtt.protocol.register_claims_of_gateway(
                    self.device,
                    Transport::Mqtt,
                    self.correlation(),
                    encoding,
                    self.payload,
                );
                claims.await.map_err(|error| self.unless_legacy(of_gateway(error))).map_or_else(Err, |()| done())
            }
            Topic::GatewayOther => match self.mqtt.protocol.is_gateway(self.device).await.map_err(of_failure)? {
                true => done(),
                false => Err(of_gateway(GatewayError::NotAGateway)),
            },
            Topic::Provision => Err(End::UnknownTopic),
        }
    }

    async fn claim(&self, encoding: Encoding) -> Carried {
        let (turn, encoding) = self.in_turn(encoding).await;
        let payload = read(encoding?, self.payload);
        let protocol = &self.mqtt.protocol;
        let registering = protocol.register_claim(self.device, Transport::Mqtt, self.correlation(), None, payload);
        match begun(turn, registering).await {
            Ok(_) => done(),
            Err(NotRegistered::Payload(error)) => Err(malformed(&error)),
            Err(NotRegistered::Failed(failure)) => Err(self.unless_legacy(of_failure(failure))),
        }
    }

    async fn attributes(&self, encoding: Encoding) -> Carried {
        let (turn, encoding) = self.in_turn(encoding).await;
        if encoding? == PayloadEncoding::Protobuf {
            return Err(End::Malformed { why: "attributes are read as JSON alone".to_owned(), stays: false });
        }
        let publishing =
            self.mqtt.protocol.publish_attributes(self.device, Transport::Mqtt, self.correlation(), self.payload);
        match begun(turn, publishing).await {
            Ok(()) => done(),
            Err(NotPublished::Invalid(error)) => Err(malformed(&error)),
            Err(NotPublished::Failed(failure)) => Err(of_failure(failure)),
        }
    }

    async fn attributes_request(&self, form: Form, id: &str) -> Carried {
        check_number(id)?;
        let text = str::from_utf8(self.payload).map_err(|_| malformed(&MessageError::NotUtf8))?;
        let request: AttributesRequest = serde_json::from_str(text)
            .map_err(|error| malformed(&MessageError::Malformed { line: error.line(), column: error.column() }))?;
        let keys = |keys: Option<String>| -> Vec<String> {
            keys.iter().flat_map(|keys| keys.split(',')).filter(|key| !key.is_empty()).map(str::to_owned).collect()
        };
        let wanted = Wanted { client: keys(request.client_keys), shared: keys(request.shared_keys) };
        let found = self.mqtt.protocol.attributes(self.device, &wanted).await.map_err(of_failure)?;
        let payload = serde_json::to_string(&found).unwrap_or_default();
        Ok((End::Done, Some(Reply { topic: form.attributes_response(id), payload })))
    }

    async fn rpc_request(&self, form: Form, id: &str) -> Carried {
        check_number(id)?;
        let answer = self.mqtt.protocol.answer(self.payload, self.mqtt.settings.max_payload);
        let mut answer = answer.map_err(|error| malformed(&error))?;
        let asks_for_limits = answer.get("rateLimits").is_some();
        if asks_for_limits && self.mqtt.protocol.is_gateway(self.device).await.map_err(of_failure)? {
            // What a gateway sends for the devices behind it counts as its own.
            answer["gatewayRateLimits"] =
                json!({"messages": null, "telemetryMessages": null, "telemetryDataPoints": null});
        }
        Ok((End::Done, Some(Reply { topic: form.rpc_response(id), payload: answer.to_string() })))
    }

    async fn gateway_connect(&self) -> Carried {
        let encoding = self.encoding(Encoding::OfProfile).await?;
        let connecting = self.mqtt.protocol.connect_through_gateway(
            self.device,
            Transport::Mqtt,
            self.correlation(),
            encoding,
            self.payload,
        );
        let connected = connecting.await.map_err(of_gateway)?;
        if connected.is_reached && connected.device.device_id != self.device.device_id {
            self.mqtt.end_session(connected.device.device_id);
        }
        done()
    }

    /// The turn of a message that stores something, with what it has to know first. All look that up at the same time; each goes
    /// on when those before it have begun.
    async fn in_turn(&self, encoding: Encoding) -> (MutexGuard<'_, ()>, Result<PayloadEncoding, End>) {
        join(self.turn.lock(), self.encoding(encoding)).await
    }

    async fn encoding(&self, encoding: Encoding) -> Result<PayloadEncoding, End> {
        match encoding {
            Encoding::Is(encoding) => Ok(encoding),
            Encoding::OfProfile => Ok(self.mqtt.protocol.payloads(self.device).await.map_err(of_failure)?.encoding),
        }
    }

    /// Old firmware may rely on refusals being acknowledged.
    fn unless_legacy(&self, end: End) -> End {
        match end {
            End::Refused(_) if self.mqtt.settings.legacy_ack => End::Done,
            end => end,
        }
    }

    /// The profile may say that a message that cannot be read does not end the connection.
    async fn with_the_profiles_patience(&self, end: End) -> End {
        let End::Malformed { why, .. } = end else { return end };
        let stays = self.mqtt.protocol.payloads(self.device).await.is_ok_and(|payloads| payloads.acknowledges_faults);
        End::Malformed { why, stays }
    }

    fn correlation(&self) -> Cow<'static, str> {
        Cow::Owned(self.session.to_owned())
    }
}

/// Carries out what stores something. Its place is taken with its first step ([`deed_domain::ports::EventStore::append`]): from then
/// on the next message may have its turn, and shares the commit.
async fn begun<T>(turn: MutexGuard<'_, ()>, storing: impl Future<Output = T>) -> T {
    let mut storing = pin!(storing);
    let first = poll_fn(|context| Poll::Ready(storing.as_mut().poll(context))).await;
    drop(turn);
    match first {
        Poll::Ready(stored) => stored,
        Poll::Pending => storing.await,
    }
}

const fn done() -> Carried {
    Ok((End::Done, None))
}

fn malformed(error: &dyn std::error::Error) -> End {
    End::Malformed { why: error.to_string(), stays: false }
}

/// What a device calls its requests.
fn check_number(id: &str) -> Result<(), End> {
    let is_number = (1..=10).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    let why = || "the topic must end with the number of the request".to_owned();
    if is_number { Ok(()) } else { Err(End::Malformed { why: why(), stays: false }) }
}

fn of_failure(failure: Failure) -> End {
    match failure {
        Failure::Refused(Refusal::DeviceNotFound) => End::Gone,
        Failure::Refused(refusal @ Refusal::AttributesFull { .. }) => End::Full(refusal.to_string()),
        Failure::Refused(refusal) => End::Refused(refusal.to_string()),
        Failure::NotAppended(_) => End::NotStored,
    }
}

fn of_gateway(error: GatewayError) -> End {
    match error.fault() {
        GatewayFault::Refused => End::Refused(error.reason()),
        GatewayFault::Unusable => End::Unusable(error.reason()),
        GatewayFault::Malformed => End::Malformed { why: error.reason(), stays: false },
        GatewayFault::NotStored => End::NotStored,
    }
}
