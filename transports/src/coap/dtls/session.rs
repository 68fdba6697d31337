//! One session, or the handshake for one: OpenSSL between datagrams that have come and those that are to be sent.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
};

use deed_domain::client_certificate::ClientCertificate;
use openssl::{
    error::ErrorStack,
    ssl::{ErrorCode, Ssl, SslContext, SslStream},
};

use super::{
    hello::{Cookie, Hello},
    identity::{COOKIE, is_strong},
    records::renumber,
};
use crate::tls::understand;

/// Most bytes of a datagram of the handshake, so that it passes everywhere (IPv6 promises 1,280, headers included).
const MTU: u32 = 1_200;
/// Most bytes of a message (RFC 6347, 4.1).
const MAX_MESSAGE: usize = 16_384;

pub(super) struct Session {
    stream: SslStream<Datagrams>,
    /// What is added to the numbers of records that are not encrypted.
    shift: u64,
}

/// Datagrams in the place of a socket.
#[derive(Default)]
pub(super) struct Datagrams {
    /// Those that have come.
    pub(super) come: VecDeque<Vec<u8>>,
    /// Those that are to be sent.
    pub(super) to_send: Vec<Vec<u8>>,
}

/// What has become of a handshake.
pub(super) enum Handshake {
    /// The peer has to say more.
    UnderWay,
    /// They agree; the peer holds that certificate, if one.
    Agreed(Option<ClientCertificate>),
    /// They do not.
    Failed(String),
}

/// What a session gives.
pub(super) enum Heard {
    /// A message of the peer.
    Message(Vec<u8>),
    /// Nothing more.
    Nothing,
    /// Its end.
    End,
}

impl Session {
    /// Begins a handshake by that hello, which has that cookie and is fed next.
    pub(super) fn begin(context: &SslContext, cookie: Cookie, hello: &Hello<'_>) -> Result<Self, ErrorStack> {
        let mut ssl = Ssl::new(context)?;
        ssl.set_accept_state();
        ssl.set_ex_data(COOKIE.clone()?, cookie);
        ssl.set_mtu(MTU)?;
        let mut stream = SslStream::new(ssl, Datagrams::default())?;
        // It has to have seen the first hello, which nobody kept, and to have answered it, by a record of number 0. The next
        // answer has the number of the hello that it answers (RFC 6347, 4.2.1).
        stream.get_mut().come.push_back(hello.without_cookie());
        // It waits for the next hello then.
        let _ = stream.do_handshake();
        stream.get_mut().to_send.clear();
        Ok(Self { stream, shift: hello.number().wrapping_sub(1) })
    }

    /// Takes a datagram of the peer.
    pub(super) fn feed(&mut self, datagram: &[u8]) {
        self.stream.get_mut().come.push_back(datagram.to_vec());
    }

    /// Goes on with the handshake, and sends again what is not answered in time.
    pub(super) fn agree(&mut self) -> Handshake {
        match self.stream.do_handshake() {
            Ok(()) => {}
            Err(error) if error.code() == ErrorCode::WANT_READ => return Handshake::UnderWay,
            Err(error) => return Handshake::Failed(error.to_string()),
        }
        match self.certificate() {
            Ok(certificate) => Handshake::Agreed(certificate),
            Err(why) => {
                self.close();
                Handshake::Failed(why.to_string())
            }
        }
    }

    /// The certificate whose key the peer has proved to hold.
    fn certificate(&self) -> io::Result<Option<ClientCertificate>> {
        let Some(shown) = self.stream.ssl().peer_certificate() else { return Ok(None) };
        let key = shown.public_key()?;
        if !is_strong(&*key) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the key of the client's certificate is too weak"));
        }
        understand(&shown.to_der()?.into()).map(Some)
    }

    /// The next message that has come.
    pub(super) fn read(&mut self) -> Heard {
        let mut buffer = [0; MAX_MESSAGE];
        match self.stream.ssl_read(&mut buffer) {
            Ok(length) => Heard::Message(buffer.get(..length).unwrap_or_default().to_vec()),
            Err(error) if error.code() == ErrorCode::WANT_READ => Heard::Nothing,
            Err(error) => {
                if error.code() == ErrorCode::ZERO_RETURN {
                    self.close();
                }
                Heard::End
            }
        }
    }

    /// Encrypts a message.
    pub(super) fn write(&mut self, message: &[u8]) {
        if let Err(error) = self.stream.ssl_write(message) {
            tracing::debug!(%error, "a message could not be encrypted");
        }
    }

    /// Tells the peer that this is the end.
    pub(super) fn close(&mut self) {
        // The peer may have ended it by itself.
        let _ = self.stream.shutdown();
    }

    /// What is to be sent now.
    pub(super) fn take_to_send(&mut self) -> impl Iterator<Item = Vec<u8>> {
        let shift = self.shift;
        self.stream.get_mut().to_send.drain(..).map(move |mut datagram| {
            renumber(&mut datagram, shift);
            datagram
        })
    }
}

impl Read for Datagrams {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.come.pop_front() {
            // What does not fit is no record that there may be.
            Some(next) => next.as_slice().read(buffer),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Datagrams {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.to_send.push(datagram.to_vec());
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
