//! Datagrams: what is read of them before anything is done, and how answers are written.

use coap_lite::{CoapOption, MessageClass, MessageType, Packet, RequestType, ResponseType};

use super::blocks::Block;

/// Most bytes of a datagram that is read.
pub(super) const MAX_DATAGRAM: usize = 2_048;
/// Version, type and token length; code; message id.
const HEADER: usize = 4;
/// Longest token.
const MAX_TOKEN: usize = 8;
/// JSON, as the registry of media types numbers it.
pub(super) const JSON: u16 = 50;
/// Links.
pub(super) const LINKS: u16 = 40;
/// Plain text.
pub(super) const TEXT: u16 = 0;

/// A datagram that somebody has to act on.
pub(super) enum Heard {
    /// A request.
    Request(Request),
    /// The peer has got what the service sent under that id.
    Acknowledged(u16),
    /// The peer does not know what to do with it.
    Rejected(u16),
}

/// A datagram that is not acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no CoAP, or nothing may be said to it.
    Silence,
    /// It is rejected: a ping is answered in this way, and what makes no sense.
    Reset(u16),
    /// It is a request that is told what is wrong with it.
    Told(Return, Why),
}

/// What is wrong with a request that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Why {
    /// The options end in the middle, or nothing follows where a payload should.
    #[error("the message is malformed")]
    Malformed,
    /// It has more than [`MAX_DATAGRAM`] bytes.
    #[error("at most {MAX_DATAGRAM} bytes; send blocks")]
    TooLarge,
    /// It may not be carried out without this option, which means nothing here.
    #[error("unknown critical option {0}")]
    UnknownOption(u16),
    /// It is a request of an unknown kind.
    #[error("unknown method")]
    UnknownMethod,
}

/// How an answer finds its way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Return {
    /// The id of the request's message.
    pub(super) id: u16,
    /// Whether the request has to be acknowledged.
    pub(super) is_confirmable: bool,
    /// By which the peer knows the request.
    pub(super) token: Vec<u8>,
}

/// A request. It holds secrets, so it is never shown.
pub(super) struct Request {
    /// How the answer finds its way back.
    pub(super) back: Return,
    /// What is to be done.
    pub(super) method: Method,
    /// With what; `None` if it is not UTF-8.
    pub(super) path: Option<Vec<String>>,
    /// Its parameters.
    pub(super) query: Vec<Vec<u8>>,
    /// Whether the peer wants to hear of changes (0), or not any more.
    pub(super) observe: Option<u32>,
    /// Which part of the request this is.
    pub(super) block1: Option<Result<Block, BadBlock>>,
    /// Which part of the answer is wanted.
    pub(super) block2: Option<Result<Block, BadBlock>>,
    /// How many bytes the whole request has.
    pub(super) size1: Option<u32>,
    /// Its payload, or a part of it.
    pub(super) payload: Vec<u8>,
}

/// A block option that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadBlock;

/// A method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Read.
    Get,
    /// Do.
    Post,
    /// Known, and allowed nowhere.
    Other,
}

/// An answer.
#[derive(Clone)]
pub(super) struct Answer {
    /// What became of it.
    pub(super) code: ResponseType,
    /// What the payload is; nothing for an explanation.
    pub(super) format: Option<u16>,
    /// Its payload.
    pub(super) payload: Vec<u8>,
    /// How many seconds it is good for; of a failure, after how many it may be tried again.
    pub(super) max_age: Option<u32>,
    /// Its place among the notifications.
    pub(super) observe: Option<u32>,
    /// What the payload is a part of.
    pub(super) etag: Option<[u8; 8]>,
    /// Which part of the request this is about.
    pub(super) block1: Option<Block>,
    /// Which part of the answer this is.
    pub(super) block2: Option<Block>,
    /// How many bytes a request may have.
    pub(super) size1: Option<u32>,
}

/// A kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To be acknowledged.
    Con,
    /// Not to be acknowledged.
    Non,
    /// An acknowledgement.
    Ack,
}

/// Reads a datagram, of which `datagram` may be the beginning if it is longer than [`MAX_DATAGRAM`].
///
/// # Errors
/// [`Fault`].
pub(super) fn read(datagram: &[u8]) -> Result<Heard, Fault> {
    let [first, code, high, low, rest @ ..] = datagram else { return Err(Fault::Silence) };
    let (version, kind, token_length) = (first >> 6, first >> 4 & 3, usize::from(first & 0xf));
    let id = u16::from_be_bytes([*high, *low]);
    if version != 1 || token_length > MAX_TOKEN {
        return Err(Fault::Silence);
    }
    match kind {
        2 => return Ok(Heard::Acknowledged(id)),
        3 => return Ok(Heard::Rejected(id)),
        _ => {}
    }
    let is_request = matches!(code, 1..=31);
    let Some(token) = rest.get(..token_length).filter(|_| is_request) else { return Err(Fault::Reset(id)) };
    let back = Return { id, is_confirmable: kind == 0, token: token.to_vec() };
    let told = |why| if back.is_confirmable { Fault::Told(back.clone(), why) } else { Fault::Reset(id) };
    if datagram.len() > MAX_DATAGRAM {
        // Also without a wish to be acknowledged, as the peer may not know why it is not heard.
        return Err(Fault::Told(back, Why::TooLarge));
    }
    let packet = Packet::from_bytes(datagram).map_err(|_| told(Why::Malformed))?;
    if ends_with_a_marker(&packet, datagram) {
        return Err(told(Why::Malformed));
    }
    let unknown = packet.options().map(|(number, _)| *number).find(|number| number % 2 == 1 && !is_known(*number));
    if let Some(number) = unknown {
        return Err(told(Why::UnknownOption(number)));
    }
    let method = match packet.header.code {
        MessageClass::Request(RequestType::Get) => Method::Get,
        MessageClass::Request(RequestType::Post) => Method::Post,
        MessageClass::Request(_) => Method::Other,
        _ => return Err(told(Why::UnknownMethod)),
    };
    Ok(Heard::Request(Request {
        method,
        path: path(&packet),
        query: packet.get_option(CoapOption::UriQuery).into_iter().flatten().cloned().collect(),
        observe: number(&packet, CoapOption::Observe),
        block1: block(&packet, CoapOption::Block1),
        block2: block(&packet, CoapOption::Block2),
        size1: number(&packet, CoapOption::Size1),
        payload: packet.payload,
        back,
    }))
}

/// Whether a payload is announced and none follows, which the library lets pass: it writes the message without the marker.
fn ends_with_a_marker(packet: &Packet, datagram: &[u8]) -> bool {
    let is_suspect = packet.payload.is_empty() && datagram.len() > HEADER && datagram.last() == Some(&0xff);
    is_suspect && packet.to_bytes_unlimited().is_ok_and(|written| written.len() < datagram.len())
}

/// Whether a critical option is understood, or may be ignored as ThingsBoard does: then it changes nothing of what is meant.
fn is_known(number: u16) -> bool {
    matches!(
        CoapOption::from(number),
        CoapOption::IfMatch
            | CoapOption::UriHost
            | CoapOption::IfNoneMatch
            | CoapOption::UriPort
            | CoapOption::UriPath
            | CoapOption::UriQuery
            | CoapOption::Accept
            | CoapOption::Block1
            | CoapOption::Block2
            | CoapOption::ProxyUri
            | CoapOption::ProxyScheme
    )
}

/// The segments of the path; those that stand in one option, with slashes between, are taken apart.
fn path(packet: &Packet) -> Option<Vec<String>> {
    let segments = packet.get_option(CoapOption::UriPath).into_iter().flatten();
    let segments: Vec<_> = segments.map(|segment| String::from_utf8(segment.clone())).collect::<Result<_, _>>().ok()?;
    match &*segments {
        [all] => Some(all.split('/').map(str::to_owned).collect()),
        _ => Some(segments),
    }
}

fn number(packet: &Packet, option: CoapOption) -> Option<u32> {
    let bytes = packet.get_first_option(option)?;
    (bytes.len() <= 4).then(|| bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

fn block(packet: &Packet, option: CoapOption) -> Option<Result<Block, BadBlock>> {
    packet.get_first_option(option).map(|bytes| Block::read(bytes).ok_or(BadBlock))
}

impl Answer {
    /// An answer without a payload.
    pub(super) const fn of(code: ResponseType) -> Self {
        Self {
            code,
            format: None,
            payload: Vec::new(),
            max_age: None,
            observe: None,
            etag: None,
            block1: None,
            block2: None,
            size1: None,
        }
    }

    /// One that says why.
    pub(super) fn because(code: ResponseType, why: &dyn std::fmt::Display) -> Self {
        Self { payload: why.to_string().into_bytes(), ..Self::of(code) }
    }

    /// One with a payload of that format.
    pub(super) fn with(code: ResponseType, format: u16, payload: impl Into<Vec<u8>>) -> Self {
        Self { format: Some(format), payload: payload.into(), ..Self::of(code) }
    }

    /// The datagram.
    pub(super) fn write(&self, kind: Kind, id: u16, token: &[u8]) -> Vec<u8> {
        let mut packet = Packet::new();
        packet.header.set_version(1);
        packet.header.set_type(match kind {
            Kind::Con => MessageType::Confirmable,
            Kind::Non => MessageType::NonConfirmable,
            Kind::Ack => MessageType::Acknowledgement,
        });
        packet.header.code = MessageClass::Response(self.code);
        packet.header.message_id = id;
        packet.set_token(token.to_vec());
        let mut add = |option, value: Option<u32>| {
            if let Some(value) = value {
                packet.add_option(option, shortest(value));
            }
        };
        add(CoapOption::Observe, self.observe);
        add(CoapOption::ContentFormat, self.format.map(u32::from));
        add(CoapOption::MaxAge, self.max_age);
        add(CoapOption::Block2, self.block2.map(Block::value));
        add(CoapOption::Block1, self.block1.map(Block::value));
        add(CoapOption::Size1, self.size1);
        if let Some(etag) = self.etag {
            packet.add_option(CoapOption::ETag, etag.to_vec());
        }
        packet.payload.clone_from(&self.payload);
        // Only a buffer that is too small is an error, and it is made as large as needed.
        packet.to_bytes_unlimited().unwrap_or_default()
    }
}

/// A number in as few bytes as it takes: none for zero.
fn shortest(number: u32) -> Vec<u8> {
    number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// An acknowledgement, and no answer yet.
pub(super) const fn acknowledgement(id: u16) -> [u8; HEADER] {
    let [high, low] = id.to_be_bytes();
    [0x60, 0, high, low]
}

/// A rejection.
pub(super) const fn reset(id: u16) -> [u8; HEADER] {
    let [high, low] = id.to_be_bytes();
    [0x70, 0, high, low]
}

/// The code as it is written, such as 4.04.
pub(super) const fn code_text(code: ResponseType) -> &'static str {
    match code {
        ResponseType::Created => "2.01",
        ResponseType::Content => "2.05",
        ResponseType::Continue => "2.31",
        ResponseType::BadRequest => "4.00",
        ResponseType::Unauthorized => "4.01",
        ResponseType::BadOption => "4.02",
        ResponseType::Forbidden => "4.03",
        ResponseType::NotFound => "4.04",
        ResponseType::MethodNotAllowed => "4.05",
        ResponseType::RequestEntityIncomplete => "4.08",
        ResponseType::Conflict => "4.09",
        ResponseType::RequestEntityTooLarge => "4.13",
        ResponseType::TooManyRequests => "4.29",
        ResponseType::ServiceUnavailable => "5.03",
        _ => "5.00",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(datagram: &[u8]) -> Request {
        match read(datagram) {
            Ok(Heard::Request(request)) => request,
            Ok(_) => panic!("no request"),
            Err(fault) => panic!("{fault:?}"),
        }
    }

    fn fault(datagram: &[u8]) -> Fault {
        read(datagram).err().unwrap()
    }

    #[test]
    fn what_is_no_request_is_told_apart() {
        for silent in [&b""[..], b"\x40\x02\0", b"\x80\x02\0\x51", b"\xc0\x02\0\x51", b"\x49\x02\0\x52123456789"] {
            assert_eq!(fault(silent), Fault::Silence, "{silent:02x?}");
        }
        for rejected in
            [&b"\x40\0\0\x4d"[..], b"\x50\0\0\x4d", b"\x40\x21\0\x4d", b"\x50\x45\0\x4d", b"\x44\x02\0\x4dab"]
        {
            assert_eq!(fault(rejected), Fault::Reset(0x4d), "{rejected:02x?}");
        }
        assert!(matches!(read(b"\x60\0\0\x4f"), Ok(Heard::Acknowledged(0x4f))));
        assert!(matches!(read(b"\x62\x45\0\x4fab"), Ok(Heard::Acknowledged(0x4f))));
        assert!(matches!(read(b"\x70\0\0\x50"), Ok(Heard::Rejected(0x50))));
    }

    #[test]
    fn a_malformed_request_is_told_what_is_wrong() {
        let back = |id| Return { id, is_confirmable: true, token: b"t".to_vec() };
        for (malformed, why) in [
            (&b"\x41\x02\0\x01t\xb9a"[..], Why::Malformed),
            (b"\x41\x02\0\x01t\xb3api\xff", Why::Malformed),
            (b"\x41\x02\0\x01t\xff", Why::Malformed),
            (b"\x41\x02\0\x01t\xf1a", Why::Malformed),
            (b"\x41\x02\0\x01t\x91a", Why::UnknownOption(9)),
            (b"\x41\x02\0\x01t\xd1\x06a", Why::UnknownOption(19)),
            (b"\x41\x1f\0\x01t", Why::UnknownMethod),
        ] {
            assert_eq!(fault(malformed), Fault::Told(back(1), why), "{malformed:02x?}");
            let mut unconfirmed = malformed.to_vec();
            unconfirmed[0] |= 0x10;
            assert_eq!(fault(&unconfirmed), Fault::Reset(1), "{malformed:02x?}");
        }
        let mut long = b"\x41\x02\0\x01t\xff".to_vec();
        long.resize(MAX_DATAGRAM, b'x');
        assert_eq!(request(&long).payload.len(), MAX_DATAGRAM - 6);
        long.push(b'x');
        assert_eq!(fault(&long), Fault::Told(back(1), Why::TooLarge));
        // The last byte of a value is no marker.
        assert_eq!(request(b"\x41\x02\0\x01t\x41\xff").payload, b"");
    }

    #[test]
    fn paths_are_taken_apart_where_they_stand_in_one_option() {
        assert_eq!(request(b"\x40\x02\0\x01\xb3api\x02v1").path.unwrap(), ["api", "v1"]);
        assert_eq!(request(b"\x40\x02\0\x01\xb6api/v1").path.unwrap(), ["api", "v1"]);
        assert_eq!(request(b"\x40\x02\0\x01\xb3a/b\x02v1").path.unwrap(), ["a/b", "v1"]);
        assert_eq!(request(b"\x40\x02\0\x01").path.unwrap(), [""; 0]);
        assert_eq!(request(b"\x40\x02\0\x01\xb1\xff").path, None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, first in 0x40_u8..0x80) {
            let _ = read(&bytes);
            let mut close = vec![first, 2];
            close.extend(bytes);
            let _ = read(&close);
        }

        /// What is written is what was meant, as the library reads it.
        #[test]
        fn answers_are_read_as_they_were_written(
            id: u16, token in prop::collection::vec(any::<u8>(), 0..=8), payload: Vec<u8>,
            observe in prop::option::of(0..1_u32 << 24), age: Option<u32>, format: Option<u16>,
            block in prop::option::of((0..1_u32 << 20, any::<bool>(), 0..7_u8)),
        ) {
            let block = block.map(|(number, more, exponent)| Block { number, more, exponent });
            let mut answer = Answer::of(ResponseType::Content);
            (answer.observe, answer.max_age, answer.format, answer.block2) = (observe, age, format, block);
            answer.payload.clone_from(&payload);
            let written = answer.write(Kind::Con, id, &token);
            let packet = Packet::from_bytes(&written).unwrap();
            prop_assert_eq!((packet.header.message_id, packet.get_token(), &packet.payload), (id, &*token, &payload));
            prop_assert_eq!(number(&packet, CoapOption::Observe), observe);
            prop_assert_eq!(number(&packet, CoapOption::MaxAge), age);
            prop_assert_eq!(number(&packet, CoapOption::ContentFormat), format.map(u32::from));
            let found = super::block(&packet, CoapOption::Block2).map(Result::unwrap);
            prop_assert_eq!(found, block);
        }
    }
}
