//! A client that sends and reads datagrams as the tests say.

use std::time::Duration;

use tokio::{net::UdpSocket, time::timeout};

use crate::deed::Server;

/// Longer than any answer takes.
const LONG: Duration = Duration::from_secs(20);
/// Long enough to see that nothing comes.
const SHORT: Duration = Duration::from_millis(300);

pub(crate) const CON: u8 = 0;
pub(crate) const NON: u8 = 1;
pub(crate) const ACK: u8 = 2;
pub(crate) const RST: u8 = 3;

pub(crate) const GET: u8 = 1;
pub(crate) const POST: u8 = 2;

pub(crate) const OBSERVE: u16 = 6;
pub(crate) const URI_PATH: u16 = 11;
pub(crate) const CONTENT_FORMAT: u16 = 12;
pub(crate) const MAX_AGE: u16 = 14;
pub(crate) const URI_QUERY: u16 = 15;
pub(crate) const BLOCK2: u16 = 23;
pub(crate) const BLOCK1: u16 = 27;
pub(crate) const SIZE1: u16 = 60;

/// A message, or what is to become one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) code: u8,
    pub(crate) id: u16,
    pub(crate) token: Vec<u8>,
    pub(crate) options: Vec<(u16, Vec<u8>)>,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct Client {
    socket: UdpSocket,
    last_id: u16,
}

impl Client {
    pub(crate) async fn new(server: &Server) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(&server.coap).await.unwrap();
        Self { socket, last_id: 0 }
    }

    pub(crate) async fn send(&self, datagram: &[u8]) {
        self.socket.send(datagram).await.unwrap();
    }

    /// The next datagram.
    pub(crate) async fn read(&self) -> Message {
        timeout(LONG, self.next()).await.expect("a datagram comes")
    }

    pub(crate) async fn hears_nothing(&self) {
        let heard = timeout(SHORT, self.next()).await;
        assert!(heard.is_err(), "{heard:?}");
    }

    /// Sends the datagram and gives the next one that comes.
    pub(crate) async fn exchange(&self, datagram: &[u8]) -> Message {
        self.send(datagram).await;
        self.read().await
    }

    /// A confirmable request with an id of its own.
    pub(crate) fn request(&mut self, code: u8, path: &str, payload: impl AsRef<[u8]>) -> Message {
        self.last_id += 1;
        let options = path.split('/').map(|segment| (URI_PATH, segment.as_bytes().to_vec())).collect();
        Message {
            code,
            id: self.last_id,
            token: b"tk".to_vec(),
            options,
            payload: payload.as_ref().to_vec(),
            kind: CON,
        }
    }

    /// Asks, and gives the answer, which comes with the acknowledgement and with what the request is known by.
    pub(crate) async fn ask(&mut self, request: Message) -> Message {
        let answer = self.exchange(&request.write()).await;
        let expected = if request.kind == CON { (ACK, request.id) } else { (NON, answer.id) };
        assert_eq!((answer.kind, answer.id), expected, "{answer:?}");
        assert_eq!(answer.token, request.token, "{answer:?}");
        answer
    }

    /// Sends it until it is answered, as any client does: among many others it may be lost.
    pub(crate) async fn insist(&self, request: &Message) -> Message {
        for _ in 0..100 {
            self.send(&request.write()).await;
            if let Ok(answer) = timeout(SHORT, self.next()).await {
                return answer;
            }
        }
        panic!("nobody answers")
    }

    /// Posts, and gives the code of the answer.
    pub(crate) async fn post(&mut self, path: &str, payload: impl AsRef<[u8]>) -> String {
        let request = self.request(POST, path, payload);
        self.ask(request).await.code()
    }

    /// Reads, and gives the code of the answer and its payload.
    pub(crate) async fn get(&mut self, path: &str) -> (String, String) {
        let request = self.request(GET, path, "");
        let answer = self.ask(request).await;
        (answer.code(), answer.text())
    }

    /// A notification, which is acknowledged.
    pub(crate) async fn notification(&self) -> Message {
        let message = self.read().await;
        assert_eq!(message.kind, CON, "{message:?}");
        self.send(&Message { kind: ACK, id: message.id, ..Message::default() }.write()).await;
        message
    }

    async fn next(&self) -> Message {
        let mut buffer = vec![0; 65_536];
        let length = self.socket.recv(&mut buffer).await.unwrap();
        Message::read(&buffer[..length])
    }
}

impl Message {
    pub(crate) fn with(mut self, option: u16, value: impl AsRef<[u8]>) -> Self {
        self.options.push((option, value.as_ref().to_vec()));
        self.options.sort_by_key(|(number, _)| *number);
        self
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut written = vec![0x40 | self.kind << 4 | u8::try_from(self.token.len()).unwrap(), self.code];
        written.extend(self.id.to_be_bytes());
        written.extend(&self.token);
        let mut last = 0;
        for (number, value) in &self.options {
            let (delta, more_delta) = extended(usize::from(number - last));
            let (length, more_length) = extended(value.len());
            written.push(delta << 4 | length);
            written.extend([more_delta, more_length, value.clone()].concat());
            last = *number;
        }
        if !self.payload.is_empty() {
            written.push(0xff);
            written.extend(&self.payload);
        }
        written
    }

    /// Stops at whatever is no message.
    pub(crate) fn read(datagram: &[u8]) -> Self {
        assert_eq!(datagram[0] >> 6, 1, "{datagram:02x?}");
        let (token, mut rest) = datagram[4..].split_at(usize::from(datagram[0] & 0xf));
        let mut message = Self {
            kind: datagram[0] >> 4 & 3,
            code: datagram[1],
            id: u16::from_be_bytes([datagram[2], datagram[3]]),
            token: token.to_vec(),
            ..Self::default()
        };
        let mut number = 0;
        while let Some((first, after)) = rest.split_first() {
            if *first == 0xff {
                assert!(!after.is_empty(), "{datagram:02x?}");
                message.payload = after.to_vec();
                break;
            }
            rest = after;
            let mut nibble = |nibble: u8| {
                let bytes = match nibble {
                    13 => 1,
                    14 => 2,
                    _ => 0,
                };
                let (more, after) = rest.split_at(bytes);
                rest = after;
                let more = more.iter().fold(0, |more, byte| more << 8 | usize::from(*byte));
                more + [usize::from(nibble), 13, 269][bytes]
            };
            number += u16::try_from(nibble(first >> 4)).unwrap();
            let length = nibble(first & 0xf);
            let (value, after) = rest.split_at(length);
            message.options.push((number, value.to_vec()));
            rest = after;
        }
        message
    }

    /// As codes are written, such as 4.04.
    pub(crate) fn code(&self) -> String {
        format!("{}.{:02}", self.code >> 5, self.code & 0x1f)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.payload.clone()).unwrap()
    }

    /// The option as a number, if it is there.
    pub(crate) fn option(&self, number: u16) -> Option<u32> {
        let (_, value) = self.options.iter().find(|(found, _)| *found == number)?;
        Some(value.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)))
    }
}

fn extended(n: usize) -> (u8, Vec<u8>) {
    match n {
        0..13 => (u8::try_from(n).unwrap(), Vec::new()),
        13..269 => (13, vec![u8::try_from(n - 13).unwrap()]),
        _ => (14, u16::try_from(n - 269).unwrap().to_be_bytes().to_vec()),
    }
}

/// The value of a block option.
pub(crate) fn block(number: u32, more: bool, exponent: u32) -> Vec<u8> {
    let value = number << 4 | u32::from(more) << 3 | exponent;
    value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}
