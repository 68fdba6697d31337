//! A client of CoAP that registers keys by confirmable requests, one at a time.

use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::{net::UdpSocket, time::timeout};

use crate::{Failure, phase::now};

const CREATED: u8 = 0x41;
const EMPTY: u8 = 0;
/// After which a request that was not answered is sent again (RFC 7252, ACK_TIMEOUT).
const ACK_TIMEOUT: Duration = Duration::from_secs(2);
/// How often.
const RETRANSMISSIONS: usize = 4;

pub(crate) struct Client {
    socket: UdpSocket,
}

impl Client {
    pub(crate) async fn open(address: &str) -> Result<Self, Failure> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        socket.connect(address).await?;
        Ok(Self { socket })
    }

    /// Registers the key so often; notes how long each took.
    pub(crate) async fn register(
        &self,
        token: &str,
        message: &str,
        count: usize,
        times: &mut Histogram<u64>,
    ) -> Result<(), Failure> {
        for number in 0..count {
            let request = request(u16::try_from(number % 0xffff)?, token, message)?;
            let sent = now();
            self.exchange(&request).await?;
            times.record(u64::try_from(sent.elapsed().as_micros())?)?;
        }
        Ok(())
    }

    /// Sends it until it is answered.
    async fn exchange(&self, request: &[u8]) -> Result<(), Failure> {
        for _ in 0..=RETRANSMISSIONS {
            self.socket.send(request).await?;
            let mut answer = [0; 64];
            while let Ok(received) = timeout(ACK_TIMEOUT, self.socket.recv(&mut answer)).await {
                let answer = &answer[..received?];
                let [first, code, id @ ..] = answer else { return Err("no answer of CoAP".into()) };
                // An answer by itself is acknowledged.
                if first & 0x30 == 0 {
                    self.socket.send(&[0x60, EMPTY, id[0], id[1]]).await?;
                }
                match *code {
                    CREATED => return Ok(()),
                    EMPTY => {}
                    other => return Err(format!("the key was not registered: {other:#04x}").into()),
                }
            }
        }
        Err("no answer".into())
    }
}

/// `POST api/v1/{token}/claim`, confirmable, its id also as its token.
fn request(id: u16, token: &str, message: &str) -> Result<Vec<u8>, Failure> {
    let [high, low] = id.to_be_bytes();
    let mut request = vec![0x42, 2, high, low, high, low];
    let (mut last, path) = (0, 11);
    for segment in ["api", "v1", token, "claim"] {
        let (delta, length) = (path - last, segment.len());
        last = path;
        match u8::try_from(length)? {
            length @ 0..13 => request.push(delta << 4 | length),
            length => request.extend([delta << 4 | 13, length - 13]),
        }
        request.extend(segment.as_bytes());
    }
    request.push(0xff);
    request.extend(message.as_bytes());
    Ok(request)
}
