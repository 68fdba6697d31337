//! Packets in and out of one connection, over the protocol engine.
//!
//! The engine keeps the state that the protocol asks for: packet ids, what of QoS 2 is under way, flow control, topic
//! aliases. It reads one packet at a time, so that nothing is read that nobody has room for. Here stands what it does not
//! check, and in which words a client is told: the engine would close with codes of its own.

mod ahead;

use mqtt_protocol_core::mqtt::{
    Connection, Version,
    common::Cursor,
    connection::{ConnectionOptions, Event},
    packet::{
        GenericPacketTrait, Packet, Property, Qos, ReasonString, v3_1_1,
        v5_0::{self, GenericPuback},
    },
    result_code::{
        DisconnectReasonCode, MqttError, PubackReasonCode, PubrecReasonCode, SubackReasonCode, SubackReturnCode,
        UnsubackReasonCode,
    },
    role,
};

use self::ahead::Next;
use super::heard::{Ack, Fault, Heard, understand};

/// Most messages of QoS 1 and 2 that a client may have under way.
const RECEIVE_MAXIMUM: u16 = 1_024;
/// Most messages of ours that a client may leave unacknowledged; further ones are sent with QoS 0.
const UNACKNOWLEDGED: usize = 32;
/// A fixed header: its first byte, and a remaining length of four bytes at most; three are enough for what is allowed.
const HEADER: usize = 4;

const PUBLISH: u8 = 0x30;
const PUBREL: u8 = 0x62;
const SUBSCRIBE: u8 = 0x82;
const UNSUBSCRIBE: u8 = 0xa2;

/// Most bytes of a packet of whoever has not shown that it is a device: more than it takes to introduce or to add itself.
const STRANGERS_PACKET: usize = 8_192;

/// A connection's packets.
pub(super) struct Wire {
    engine: Box<Connection<role::Server>>,
    /// What has come and is not read yet.
    unread: Vec<u8>,
    /// Where in it the next byte is.
    at: usize,
    /// Whether the next byte begins a packet.
    begins: bool,
    /// The first byte of the packet that is read.
    first: u8,
    /// What is to be sent.
    out: Vec<u8>,
    /// Messages of ours without an acknowledgement.
    unacknowledged: Vec<u16>,
    /// Most bytes of a packet after its fixed header.
    max_payload: usize,
    /// The same as long as nobody knows who speaks.
    of_strangers: Option<usize>,
    /// Whether the client says its password and no user name, of which the engine is not told.
    has_no_user_name: bool,
    /// What is wrong with the name or version of the client's protocol, if the engine does not know it.
    unknown_version: Option<Fault>,
    /// Whether the client wants to know why.
    tells_why: bool,
}

impl Wire {
    pub(super) fn new(max_payload: usize) -> Self {
        let most = u32::try_from(max_payload.saturating_add(HEADER)).unwrap_or(u32::MAX);
        let options = ConnectionOptions::new().maximum_packet_size_recv(most).receive_maximum(RECEIVE_MAXIMUM);
        Self {
            engine: Box::new(Connection::with_options(Version::Undetermined, options)),
            unread: Vec::new(),
            at: 0,
            begins: true,
            first: 0,
            out: Vec::new(),
            unacknowledged: Vec::new(),
            max_payload,
            of_strangers: Some(max_payload.min(STRANGERS_PACKET)),
            has_no_user_name: false,
            unknown_version: None,
            tells_why: true,
        }
    }

    /// It is known who speaks: packets may be as large as those of devices may.
    pub(super) const fn trust(&mut self) {
        self.of_strangers = None;
    }

    /// Whether this is MQTT 5.
    pub(super) fn is_v5(&self) -> bool {
        self.engine.get_protocol_version() == Version::V5_0
    }

    /// Where to put what comes.
    pub(super) const fn inbox(&mut self) -> &mut Vec<u8> {
        &mut self.unread
    }

    /// Whether something has come that is not read yet.
    pub(super) const fn has_unread(&self) -> bool {
        self.at < self.unread.len()
    }

    /// What is to be sent; nothing of it is kept.
    pub(super) fn outgoing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Bytes that are to be sent.
    pub(super) const fn outgoing_bytes(&self) -> usize {
        self.out.len()
    }

    /// The next packet that has come as a whole, if one has. A message of QoS 2 that comes again while the first is under
    /// way, as `is_under_way` says, is not acknowledged anew.
    ///
    /// # Errors
    /// [`Fault`]; nothing further can be read then.
    pub(super) fn hear(&mut self, is_under_way: impl Fn(u16) -> bool) -> Result<Option<Heard>, Fault> {
        while self.has_unread() {
            if self.begins {
                self.first = self.unread[self.at];
                self.check_flags()?;
                match self.look()? {
                    Next::Read => {}
                    Next::Wait => {
                        self.unread.drain(..self.at);
                        self.at = 0;
                        return Ok(None);
                    }
                    Next::Skip(length) => {
                        self.at += length;
                        continue;
                    }
                }
            }
            let mut rest = Cursor::new(&self.unread[self.at..]);
            let events = self.engine.recv(&mut rest);
            self.at += usize::try_from(rest.position()).unwrap_or(usize::MAX);
            // There are events as soon as a packet is complete, and no sooner.
            self.begins = !events.is_empty();
            if let Some(heard) = self.take(events, &is_under_way)? {
                return Ok(Some(heard));
            }
        }
        // Nothing is held while nothing comes.
        self.unread = Vec::new();
        self.at = 0;
        Ok(None)
    }

    /// The flags that the engine does not look at.
    fn check_flags(&self) -> Result<(), Fault> {
        let fine = match self.first & 0xf0 {
            PUBLISH => self.first & 0x06 != 0x06,
            kind if [PUBREL, SUBSCRIBE, UNSUBSCRIBE].contains(&(kind | 2)) => self.first == kind | 2,
            kind => self.first == kind,
        };
        if fine { Ok(()) } else { Err(Fault::Broken(DisconnectReasonCode::MalformedPacket)) }
    }

    fn take(&mut self, events: Vec<Event>, is_under_way: impl Fn(u16) -> bool) -> Result<Option<Heard>, Fault> {
        let error =
            events.iter().find_map(|event| if let Event::NotifyError(error) = event { Some(*error) } else { None });
        if let Some(error) = error {
            return Err(self.fault(error));
        }
        let mut heard = None;
        for event in events {
            match event {
                Event::NotifyPacketReceived(packet) => {
                    let mut understood = understand(packet, &mut self.tells_why)?;
                    if let Heard::Connect(connect) = &mut understood
                        && self.has_no_user_name
                    {
                        connect.user_name = None;
                    }
                    heard = Some(understood);
                }
                Event::RequestSendPacket { packet, .. } => {
                    let again = match &packet {
                        Packet::V3_1_1Pubrec(packet) => Some(packet.packet_id()),
                        Packet::V5_0Pubrec(packet) => Some(packet.packet_id()),
                        _ => None,
                    };
                    if !again.is_some_and(&is_under_way) {
                        self.out.extend(packet.to_continuous_buffer());
                    }
                }
                Event::NotifyPacketIdReleased(id) => self.unacknowledged.retain(|other| *other != id),
                // Times are kept by the session, whose limits they are.
                Event::RequestTimerReset { .. } | Event::RequestTimerCancel(_) => {}
                Event::RequestClose | Event::NotifyError(_) => {}
            }
        }
        Ok(heard)
    }

    fn fault(&mut self, error: MqttError) -> Fault {
        let is_list = self.first == SUBSCRIBE || self.first == UNSUBSCRIBE;
        match error {
            _ if self.unknown_version.is_some() => self.unknown_version.take().unwrap_or(Fault::NoConnect),
            MqttError::UnsupportedProtocolVersion => Fault::UnknownVersion { is_newer: false },
            _ if self.engine.get_protocol_version() == Version::Undetermined => Fault::NoConnect,
            // A packet that is too large is malformed on this wire, as it is to ThingsBoard; so is a list of no filters.
            MqttError::PacketTooLarge => Fault::Broken(DisconnectReasonCode::MalformedPacket),
            MqttError::ProtocolError if is_list => Fault::Broken(DisconnectReasonCode::MalformedPacket),
            MqttError::ProtocolError => Fault::Broken(DisconnectReasonCode::ProtocolError),
            MqttError::ReceiveMaximumExceeded => Fault::Broken(DisconnectReasonCode::ReceiveMaximumExceeded),
            MqttError::TopicAliasInvalid => Fault::Broken(DisconnectReasonCode::TopicAliasInvalid),
            _ => Fault::Broken(DisconnectReasonCode::MalformedPacket),
        }
    }

    /// Sends a packet by the engine's rules; false if they do not allow it.
    pub(super) fn send(&mut self, packet: Result<impl Into<Packet>, MqttError>) -> bool {
        let packet = match packet {
            Ok(packet) => packet.into(),
            Err(error) => {
                tracing::error!(?error, "a packet cannot be made");
                return false;
            }
        };
        let mut is_sent = false;
        for event in self.engine.send(packet) {
            match event {
                Event::RequestSendPacket { packet, .. } => {
                    self.out.extend(packet.to_continuous_buffer());
                    is_sent = true;
                }
                Event::NotifyPacketIdReleased(id) => self.unacknowledged.retain(|other| *other != id),
                _ => {}
            }
        }
        is_sent
    }

    /// Sends the last packet: what the engine thinks of the connection does not count any more. Before MQTT 5 there is
    /// none.
    pub(super) fn farewell(&mut self, code: DisconnectReasonCode) {
        if self.is_v5()
            && let Ok(packet) = v5_0::Disconnect::builder().reason_code(code).props(Vec::new()).build()
        {
            self.out.extend(packet.to_continuous_buffer());
        }
    }

    /// Sends the answer to a client that is not let in, or whose introduction cannot be read.
    pub(super) fn turn_away(&mut self, packet: Result<impl GenericPacketTrait, MqttError>) {
        if let Ok(packet) = packet {
            self.out.extend(packet.to_continuous_buffer());
        }
    }

    /// Acknowledges a message; what went wrong, and why, is told in MQTT 5 alone.
    pub(super) fn acknowledge(&mut self, ack: Ack, refused: Option<(PubackReasonCode, &str)>) {
        match (ack, self.is_v5()) {
            (Ack::None, _) => {}
            (Ack::Puback(id), false) => {
                self.send(v3_1_1::Puback::builder().packet_id(id).build());
            }
            (Ack::Pubrec(id), false) => {
                self.send(v3_1_1::Pubrec::builder().packet_id(id).build());
            }
            (Ack::Puback(id), true) => {
                let packet = || GenericPuback::builder().packet_id(id);
                match refused {
                    None => self.send(packet().build()),
                    Some((code, why)) => {
                        self.send_with(why, |props| Ok(packet().reason_code(code).props(props).build()?.into()))
                    }
                };
            }
            (Ack::Pubrec(id), true) => {
                let packet = || v5_0::Pubrec::builder().packet_id(id);
                match refused {
                    None => self.send(packet().build()),
                    Some((code, why)) => {
                        let code = PubrecReasonCode::try_from(code as u8).unwrap_or(PubrecReasonCode::UnspecifiedError);
                        self.send_with(why, |props| Ok(packet().reason_code(code).props(props).build()?.into()))
                    }
                };
            }
        }
    }

    /// Sends a packet with the reason if the client wants to know it and has room for it, or else without.
    fn send_with(&mut self, why: &str, packet: impl Fn(Vec<Property>) -> Result<Packet, MqttError>) -> bool {
        let why = Some(why).filter(|_| self.tells_why).and_then(|why| ReasonString::new(why).ok());
        why.is_some_and(|why| self.send(packet(vec![Property::ReasonString(why)]))) || self.send(packet(Vec::new()))
    }

    /// The end of a message of QoS 2.
    pub(super) fn complete(&mut self, id: u16) {
        if self.is_v5() {
            self.send(v5_0::Pubcomp::builder().packet_id(id).build());
        } else {
            self.send(v3_1_1::Pubcomp::builder().packet_id(id).build());
        }
    }

    /// What became of each filter: the QoS that is granted, or why it is refused, which is told in MQTT 5 alone.
    pub(super) fn subscribed(&mut self, id: u16, granted: &[Result<Qos, SubackReasonCode>]) {
        if self.is_v5() {
            let code = |granted: &Result<Qos, SubackReasonCode>| match granted {
                Err(refused) => *refused,
                Ok(Qos::AtMostOnce) => SubackReasonCode::GrantedQos0,
                Ok(_) => SubackReasonCode::GrantedQos1,
            };
            self.send(v5_0::Suback::builder().packet_id(id).reason_codes(granted.iter().map(code).collect()).build());
        } else {
            let code = |granted: &Result<Qos, SubackReasonCode>| match granted {
                Err(_) => SubackReturnCode::Failure,
                Ok(Qos::AtMostOnce) => SubackReturnCode::SuccessMaximumQos0,
                Ok(_) => SubackReturnCode::SuccessMaximumQos1,
            };
            self.send(v3_1_1::Suback::builder().packet_id(id).return_codes(granted.iter().map(code).collect()).build());
        }
    }

    /// What became of each filter: whether it was subscribed.
    pub(super) fn unsubscribed(&mut self, id: u16, were_in: &[bool]) {
        if self.is_v5() {
            let code = |was_in: &bool| match was_in {
                true => UnsubackReasonCode::Success,
                false => UnsubackReasonCode::NoSubscriptionExisted,
            };
            self.send(v5_0::Unsuback::builder().packet_id(id).reason_codes(were_in.iter().map(code).collect()).build());
        } else {
            self.send(v3_1_1::Unsuback::builder().packet_id(id).build());
        }
    }

    /// Answers a sign of life.
    pub(super) fn pong(&mut self) {
        if self.is_v5() {
            self.send(v5_0::Pingresp::builder().build());
        } else {
            self.send(v3_1_1::Pingresp::builder().build());
        }
    }

    /// Sends a message to the client, with that QoS; with QoS 0 if it leaves too many unacknowledged.
    pub(super) fn publish(&mut self, topic: &str, payload: String, qos: Qos) {
        let has_room = qos != Qos::AtMostOnce
            && self.unacknowledged.len() < UNACKNOWLEDGED
            && self.engine.get_receive_maximum_vacancy_for_send().is_none_or(|vacancy| vacancy > 0);
        let id = if has_room { self.engine.acquire_packet_id().ok() } else { None };
        let qos = if id.is_some() { Qos::AtLeastOnce } else { Qos::AtMostOnce };
        self.unacknowledged.extend(id);
        let is_sent = if self.is_v5() {
            let packet = v5_0::Publish::builder().topic_name(topic);
            self.send(packet.and_then(|packet| packet.qos(qos).packet_id(id).payload(payload).build()))
        } else {
            let packet = v3_1_1::Publish::builder().topic_name(topic);
            self.send(packet.and_then(|packet| packet.qos(qos).packet_id(id).payload(payload).build()))
        };
        // One that is too large for the client is not sent, and nothing will acknowledge it.
        if let (false, Some(id)) = (is_sent, id) {
            self.engine.release_packet_id(id);
            self.unacknowledged.retain(|other| *other != id);
        }
    }
}
