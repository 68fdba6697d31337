//! What is said to strangers before anything is kept of them: they have to show that they hear what is sent to their address
//! (RFC 6347, 4.2.1).

use std::{net::SocketAddr, time::Duration};

use deed_domain::ports::Entropy;
use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    memcmp,
    pkey::{PKey, Private},
    sign::Signer,
};
use tokio::time::Instant;

use super::records::HEADER;

/// What a stranger has to say again.
pub(super) type Cookie = [u8; 32];
/// How long a key is used for new cookies; those of the last one are taken for as long again.
const ROTATION: Duration = Duration::from_secs(60);
/// Kind, length, number in the handshake, offset and length of the fragment.
const MESSAGE_HEADER: usize = 12;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const HELLO_VERIFY_REQUEST: u8 = 3;
/// Versions of DTLS: 1.0, which is what is said until one is agreed on.
const DTLS_1_0: [u8; 2] = [0xfe, 0xff];

/// A ClientHello that begins a datagram, in one record and one fragment.
pub(super) struct Hello<'a> {
    /// The sequence number of its record.
    number: [u8; 6],
    /// Version, random, session id.
    before: &'a [u8],
    /// The cookie; empty in the first hello.
    cookie: &'a [u8],
    /// Cipher suites, compression, extensions.
    after: &'a [u8],
}

impl<'a> Hello<'a> {
    /// Reads it, if that is one.
    pub(super) fn read(datagram: &'a [u8]) -> Option<Self> {
        let (header, rest) = datagram.split_first_chunk::<HEADER>()?;
        let [HANDSHAKE, 0xfe, _, 0, 0, number @ .., high, low] = header else { return None };
        let message = rest.get(..usize::from(u16::from_be_bytes([*high, *low])))?;
        let (header, body) = message.split_first_chunk::<MESSAGE_HEADER>()?;
        let [CLIENT_HELLO, a, b, c, _, _, 0, 0, 0, fragment @ ..] = header else { return None };
        let is_whole = *fragment == [*a, *b, *c] && u32::from_be_bytes([0, *a, *b, *c]) as usize == body.len();
        // Version and random have 34 bytes, then come the session id and the cookie, each behind its length.
        let session_end = 35 + usize::from(*body.get(34).filter(|_| is_whole)?);
        let cookie_begin = session_end + 1;
        let cookie_end = cookie_begin + usize::from(*body.get(session_end)?);
        Some(Self {
            number: *number,
            before: body.get(..session_end)?,
            cookie: body.get(cookie_begin..cookie_end)?,
            after: body.get(cookie_end..)?,
        })
    }

    /// The sequence number of its record.
    pub(super) fn number(&self) -> u64 {
        let [a, b, c, d, e, f] = self.number;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    /// The same without the cookie, in a record of its own, as the peer sent it before.
    pub(super) fn without_cookie(&self) -> Vec<u8> {
        // Any number but that of the other record.
        let number = u8::from(self.number() == 0);
        written([0, 0, 0, 0, 0, number], CLIENT_HELLO, &[self.before, &[0], self.after].concat())
    }

    /// The answer that asks for the cookie, in a record of the same number, as nothing is kept that counts.
    pub(super) fn verify_request(&self, cookie: &Cookie) -> Vec<u8> {
        written(self.number, HELLO_VERIFY_REQUEST, &[&DTLS_1_0[..], &[32], cookie].concat())
    }
}

/// The first message of a handshake, in a record.
fn written(number: [u8; 6], kind: u8, body: &[u8]) -> Vec<u8> {
    // What is written is no longer than what was read, which has its length in 16 bits.
    let [.., a, b, c] = body.len().to_be_bytes();
    let [.., high, low] = (MESSAGE_HEADER + body.len()).to_be_bytes();
    let record = [&[HANDSHAKE][..], &DTLS_1_0, &[0, 0], &number, &[high, low]].concat();
    [&record[..], &[kind, a, b, c, 0, 0, 0, 0, 0, a, b, c], body].concat()
}

/// Makes cookies, and knows them again.
pub(super) struct Cookies {
    key: PKey<Private>,
    last: PKey<Private>,
    since: Instant,
}

impl Cookies {
    pub(super) fn new(entropy: &dyn Entropy, now: Instant) -> Result<Self, ErrorStack> {
        let key = new_key(entropy)?;
        Ok(Self { last: key.clone(), key, since: now })
    }

    /// Takes another key when it is time.
    pub(super) fn rotate(&mut self, entropy: &dyn Entropy, now: Instant) -> Result<(), ErrorStack> {
        if now.duration_since(self.since) >= ROTATION {
            self.last = std::mem::replace(&mut self.key, new_key(entropy)?);
            self.since = now;
        }
        Ok(())
    }

    /// The cookie for that hello from that address.
    pub(super) fn cookie(&self, from: SocketAddr, hello: &Hello<'_>) -> Result<Cookie, ErrorStack> {
        digest(&self.key, from, hello)
    }

    /// The cookie of that hello, if it is one of those for it.
    pub(super) fn known(&self, from: SocketAddr, hello: &Hello<'_>) -> Result<Option<Cookie>, ErrorStack> {
        let Ok(given) = Cookie::try_from(hello.cookie) else { return Ok(None) };
        for key in [&self.key, &self.last] {
            if memcmp::eq(&given, &digest(key, from, hello)?) {
                return Ok(Some(given));
            }
        }
        Ok(None)
    }
}

fn new_key(entropy: &dyn Entropy) -> Result<PKey<Private>, ErrorStack> {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    PKey::hmac(&bytes)
}

fn digest(key: &PKey<Private>, from: SocketAddr, hello: &Hello<'_>) -> Result<Cookie, ErrorStack> {
    let mut signer = Signer::new(MessageDigest::sha256(), key)?;
    signer.update(from.to_string().as_bytes())?;
    signer.update(hello.before)?;
    signer.update(hello.after)?;
    let mut cookie = [0; 32];
    signer.sign(&mut cookie)?;
    Ok(cookie)
}
