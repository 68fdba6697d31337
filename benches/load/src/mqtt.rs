//! A client of MQTT 3.1.1 that publishes with QoS 1, with several messages under way.

use std::{collections::VecDeque, time::Instant};

use hdrhistogram::Histogram;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Failure, phase::now};

const CONNACK: [u8; 4] = [0x20, 2, 0, 0];
const PUBACK: u8 = 0x40;
const KEEP_ALIVE_S: u16 = 600;

pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    /// Let in as that user.
    pub(crate) async fn connect(address: &str, user: &str) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut body = text("MQTT")?;
        body.extend([4, 0x82]);
        body.extend(KEEP_ALIVE_S.to_be_bytes());
        body.extend(text(user)?);
        body.extend(text(user)?);
        stream.write_all(&packet(0x10, &body)?).await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        if answer == CONNACK {
            Ok(Self { stream, unread: Vec::new() })
        } else {
            Err("the client was not let in".into())
        }
    }

    /// Publishes the message so often, never more than `at_once` without an acknowledgement; notes how long each took.
    pub(crate) async fn publish(
        &mut self,
        topic: &str,
        message: &str,
        count: usize,
        at_once: usize,
        times: &mut Histogram<u64>,
    ) -> Result<(), Failure> {
        let mut body = text(topic)?;
        let id_at = body.len();
        body.extend([0, 0]);
        body.extend(message.as_bytes());
        let mut packet = packet(0x32, &body)?;
        let id_at = packet.len() - body.len() + id_at;
        let mut under_way: VecDeque<(u16, Instant)> = VecDeque::new();
        let (mut sent, mut acknowledged, mut id) = (0, 0, 0_u16);
        let mut out = Vec::new();
        while acknowledged < count {
            while sent < count && under_way.len() < at_once {
                id = id % u16::MAX + 1;
                packet[id_at..id_at + 2].copy_from_slice(&id.to_be_bytes());
                out.extend(&packet);
                under_way.push_back((id, now()));
                sent += 1;
            }
            self.stream.write_all(&out).await?;
            out.clear();
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Err("the connection was closed".into());
            }
            let whole = self.unread.len() / 4 * 4;
            for answer in self.unread[..whole].chunks_exact(4) {
                let (known, since) = under_way.pop_front().ok_or("an acknowledgement of nothing")?;
                if answer[..2] != [PUBACK, 2] || answer[2..] != known.to_be_bytes() {
                    return Err("something else than the next acknowledgement".into());
                }
                times.record(u64::try_from(since.elapsed().as_micros())?)?;
                acknowledged += 1;
            }
            self.unread.drain(..whole);
        }
        Ok(())
    }
}

fn text(text: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = u16::try_from(text.len())?.to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    Ok(bytes)
}

fn packet(first: u8, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut packet = vec![first];
    let mut length = body.len();
    loop {
        let more = if length > 127 { 0x80 } else { 0 };
        packet.push(u8::try_from(length & 0x7f)? | more);
        length >>= 7;
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    Ok(packet)
}
