//! What a packet says to the service.

use mqtt_protocol_core::mqtt::{
    ArcPayload,
    packet::{GenericPacketTrait, Packet, Property, Qos, SubEntry},
    result_code::DisconnectReasonCode,
};

/// A packet that somebody has to act on.
pub(super) enum Heard {
    /// A client introduces itself.
    Connect(Connect),
    /// A message.
    Publish(Message),
    /// Filters, each with the most QoS that the client wants.
    Subscribe {
        /// To acknowledge it by.
        id: u16,
        /// The filters.
        filters: Vec<(String, Qos)>,
    },
    /// Filters that the client does not want any more.
    Unsubscribe {
        /// To acknowledge it by.
        id: u16,
        /// The filters.
        filters: Vec<String>,
    },
    /// The end of a message of QoS 2.
    Release(u16),
    /// A sign of life.
    Ping,
    /// The client goes.
    Disconnect,
    /// Nothing to act on.
    Other,
}

/// What a client introduces itself with.
pub(super) struct Connect {
    /// Its id.
    pub(super) client_id: String,
    /// Its user name.
    pub(super) user_name: Option<String>,
    /// Its password.
    pub(super) password: Option<Vec<u8>>,
    /// Seconds.
    pub(super) keep_alive: u16,
    /// Whether it wants nothing of an earlier session.
    pub(super) is_clean: bool,
    /// Whether it asks that a session outlives the connection.
    pub(super) wants_session: bool,
}

/// A message of the client.
pub(super) struct Message {
    /// Where to.
    pub(super) topic: String,
    /// What.
    pub(super) payload: ArcPayload,
    /// How it is acknowledged.
    pub(super) ack: Ack,
}

/// How a message is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ack {
    /// Not at all.
    None,
    /// By a PUBACK.
    Puback(u16),
    /// By a PUBREC.
    Pubrec(u16),
}

/// What is wrong with what a client sent.
pub(super) enum Fault {
    /// There is no such protocol, or no such version of it.
    UnknownVersion {
        /// Whether it comes after MQTT 5, and with it the answer in the form of MQTT 5.
        is_newer: bool,
    },
    /// The first packet introduces nobody.
    NoConnect,
    /// It breaks the protocol.
    Broken(DisconnectReasonCode),
}

/// Reads what the engine has read: what a packet says, and what the engine does not check of it.
///
/// # Errors
/// [`Fault::Broken`].
pub(super) fn understand(packet: Packet, tells_why: &mut bool) -> Result<Heard, Fault> {
    let malformed = || Fault::Broken(DisconnectReasonCode::MalformedPacket);
    let filters = |entries: &[SubEntry]| {
        entries.iter().map(|entry| (entry.topic_filter().to_owned(), entry.sub_opts().qos())).collect()
    };
    let heard = match packet {
        Packet::V3_1_1Connect(packet) => {
            check_connect(&packet, packet.client_id(), packet.user_name())?;
            Heard::Connect(Connect {
                client_id: packet.client_id().to_owned(),
                user_name: packet.user_name().map(str::to_owned),
                password: packet.password().map(<[u8]>::to_vec),
                keep_alive: packet.keep_alive(),
                is_clean: packet.clean_session(),
                wants_session: false,
            })
        }
        Packet::V5_0Connect(packet) => {
            check_connect(&packet, packet.client_id(), packet.user_name())?;
            let mut wants_session = false;
            for property in packet.props() {
                match property {
                    Property::SessionExpiryInterval(seconds) => wants_session = seconds.val() != 0,
                    Property::RequestProblemInformation(wants) => *tells_why = wants.val() != 0,
                    _ => {}
                }
            }
            Heard::Connect(Connect {
                client_id: packet.client_id().to_owned(),
                user_name: packet.user_name().map(str::to_owned),
                password: packet.password().map(<[u8]>::to_vec),
                keep_alive: packet.keep_alive(),
                is_clean: true,
                wants_session,
            })
        }
        Packet::V3_1_1Publish(packet) => {
            message(packet.topic_name(), packet.payload(), packet.qos(), packet.packet_id()).ok_or_else(malformed)?
        }
        // The service has given no subscription an identifier, and a client never may.
        Packet::V5_0Publish(packet) if packet.props().iter().any(is_subscription_identifier) => {
            return Err(Fault::Broken(DisconnectReasonCode::ProtocolError));
        }
        Packet::V5_0Publish(packet) => {
            message(packet.topic_name(), packet.payload(), packet.qos(), packet.packet_id()).ok_or_else(malformed)?
        }
        Packet::V3_1_1Subscribe(packet) => {
            Heard::Subscribe { id: packet.packet_id(), filters: filters(packet.entries()) }
        }
        Packet::V5_0Subscribe(packet) if packet.props().iter().any(is_subscription_identifier) => {
            return Err(Fault::Broken(DisconnectReasonCode::SubscriptionIdentifiersNotSupported));
        }
        Packet::V5_0Subscribe(packet) => {
            Heard::Subscribe { id: packet.packet_id(), filters: filters(packet.entries()) }
        }
        Packet::V3_1_1Unsubscribe(packet) => {
            let filters = packet.entries().iter().map(|filter| filter.as_str().to_owned()).collect();
            Heard::Unsubscribe { id: packet.packet_id(), filters }
        }
        Packet::V5_0Unsubscribe(packet) => {
            let filters = packet.entries().iter().map(|filter| filter.as_str().to_owned()).collect();
            Heard::Unsubscribe { id: packet.packet_id(), filters }
        }
        Packet::V3_1_1Pubrel(packet) => Heard::Release(packet.packet_id()),
        Packet::V5_0Pubrel(packet) => Heard::Release(packet.packet_id()),
        Packet::V3_1_1Pingreq(_) | Packet::V5_0Pingreq(_) => Heard::Ping,
        Packet::V3_1_1Disconnect(_) | Packet::V5_0Disconnect(_) => Heard::Disconnect,
        // Nobody asked the client for more than it has said.
        Packet::V5_0Auth(_) => return Err(Fault::Broken(DisconnectReasonCode::ProtocolError)),
        _ => Heard::Other,
    };
    match &heard {
        Heard::Subscribe { id: 0, .. } | Heard::Unsubscribe { id: 0, .. } | Heard::Release(0) => Err(malformed()),
        _ => Ok(heard),
    }
}

const fn is_subscription_identifier(property: &Property) -> bool {
    matches!(property, Property::SubscriptionIdentifier(_))
}

fn check_connect(packet: &impl GenericPacketTrait, client_id: &str, user_name: Option<&str>) -> Result<(), Fault> {
    /// Fixed header, remaining length, name and version of the protocol come before them.
    const FLAGS: usize = 4;
    let flags = packet.to_buffers().get(FLAGS).and_then(|bytes| bytes.first().copied()).unwrap_or_default();
    let (has_will, will) = (flags & 0x04 != 0, flags & 0x38);
    let is_reserved = flags & 0x01 != 0 || flags & 0x18 == 0x18 || !has_will && will != 0;
    let has_nul = client_id.contains('\0') || user_name.is_some_and(|name| name.contains('\0'));
    if is_reserved || has_nul { Err(Fault::Broken(DisconnectReasonCode::MalformedPacket)) } else { Ok(()) }
}

/// The message, if its topic may be one and it can be acknowledged.
fn message(topic: &str, payload: &ArcPayload, qos: Qos, id: Option<u16>) -> Option<Heard> {
    let ack = match (qos, id) {
        (Qos::AtMostOnce, _) => Ack::None,
        (_, None | Some(0)) => return None,
        (Qos::AtLeastOnce, Some(id)) => Ack::Puback(id),
        (Qos::ExactlyOnce, Some(id)) => Ack::Pubrec(id),
    };
    if topic.contains(['+', '#', '\0']) {
        return None;
    }
    Some(Heard::Publish(Message { topic: topic.to_owned(), payload: payload.clone(), ack }))
}
