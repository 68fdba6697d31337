//! A client of OpenSSL's without a socket, and certificates.

use std::net::SocketAddr;

use deed_domain::ports::Entropy;
use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rand::rand_bytes,
    rsa::Rsa,
    ssl::{ErrorCode, Ssl, SslContext, SslMethod, SslOptions, SslStream, SslVerifyMode},
    x509::{X509, X509Name},
};

use crate::{
    coap::dtls::{DtlsIdentity, session::Datagrams},
    tls::{Renewable, TlsError},
};

pub(super) struct Chance;

impl Entropy for Chance {
    fn fill(&self, buffer: &mut [u8]) {
        rand_bytes(buffer).unwrap();
    }
}

/// A certificate that nobody else has signed, and its key.
pub(super) struct Certified(pub(super) X509, pub(super) PKey<Private>);

impl Certified {
    fn of(key: PKey<Private>) -> Self {
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", "test").unwrap();
        let name = name.build();
        let mut certificate = X509::builder().unwrap();
        certificate.set_subject_name(&name).unwrap();
        certificate.set_issuer_name(&name).unwrap();
        certificate.set_pubkey(&key).unwrap();
        certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        Self(certificate.build(), key)
    }

    pub(super) fn elliptic() -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        Self::of(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
    }

    pub(super) fn rsa(bits: u32) -> Self {
        Self::of(PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap())
    }

    pub(super) fn identity(&self) -> Result<DtlsIdentity, TlsError> {
        DtlsIdentity::new(&self.0.to_pem().unwrap(), &self.1.private_key_to_pem_pkcs8().unwrap())
    }
}

pub(super) struct Client {
    pub(super) address: SocketAddr,
    pub(super) stream: SslStream<Datagrams>,
}

impl Client {
    pub(super) fn new(port: u16, certified: Option<&Certified>) -> Self {
        Self::with(port, certified, "DEFAULT")
    }

    pub(super) fn with(port: u16, certified: Option<&Certified>, suites: &str) -> Self {
        let mut context = SslContext::builder(SslMethod::dtls_client()).unwrap();
        context.set_cipher_list(suites).unwrap();
        context.set_verify(SslVerifyMode::NONE);
        context.set_options(SslOptions::NO_QUERY_MTU);
        if let Some(Certified(certificate, key)) = certified {
            context.set_certificate(certificate).unwrap();
            context.set_private_key(key).unwrap();
        }
        let mut ssl = Ssl::new(&context.build()).unwrap();
        ssl.set_connect_state();
        ssl.set_mtu(600).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Self { address, stream: SslStream::new(ssl, Datagrams::default()).unwrap() }
    }

    /// What it wants to send now, as far as the handshake is.
    pub(super) fn says(&mut self) -> Vec<Vec<u8>> {
        if let Err(error) = self.stream.do_handshake() {
            assert_eq!(error.code(), ErrorCode::WANT_READ, "{error}");
        }
        std::mem::take(&mut self.stream.get_mut().to_send)
    }

    pub(super) fn writes(&mut self, message: &[u8]) -> Vec<Vec<u8>> {
        self.stream.ssl_write(message).unwrap();
        std::mem::take(&mut self.stream.get_mut().to_send)
    }

    /// The next message; `None` if there is none, or the service has ended it.
    pub(super) fn reads(&mut self) -> Option<Vec<u8>> {
        let mut buffer = [0; 2_048];
        let length = self.stream.ssl_read(&mut buffer).ok()?;
        Some(buffer[..length].to_vec())
    }

    pub(super) fn was_ended(&mut self) -> bool {
        let ended = self.stream.ssl_read(&mut [0; 16]);
        ended.is_err_and(|error| error.code() == ErrorCode::ZERO_RETURN)
    }
}
