//! TLS for devices: who the service is, and the certificate that a client proves to hold (`docs/protocol.md`, MQTT).

use std::{
    error, io,
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use deed_domain::{client_certificate::ClientCertificate, time::Timestamp};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
        SignatureScheme,
        client::danger::HandshakeSignatureValid,
        crypto::{WebPkiSupportedAlgorithms, ring, verify_tls13_signature_with_raw_key},
        pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer, UnixTime, pem, pem::PemObject},
        server::danger::{ClientCertVerified, ClientCertVerifier},
    },
    server::TlsStream,
};
use webpki::RawPublicKeyEntity;
use x509_cert::{
    Certificate,
    der::{Decode, Encode},
};

/// Why the service cannot show who it is. Says nothing of what was given, as one of it is a secret.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificates cannot be read.
    #[error("holds no certificates in PEM: {0}")]
    Certificates(pem::Error),
    /// The key cannot be read.
    #[error("holds no private key in PEM without a password: {0}")]
    Key(pem::Error),
    /// They do not belong together, or are of a kind that nobody supports.
    #[error("the certificate and the private key cannot be used together: {0}")]
    Together(Box<dyn error::Error + Send + Sync>),
}

/// Who the service is, by a certificate that is renewed while it runs.
pub trait Renewable: Sized {
    /// With these certificates, the service's own first, and its private key, in PEM.
    ///
    /// # Errors
    /// [`TlsError`].
    fn new(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError>;

    /// From here on with others. Connections that are open go on.
    ///
    /// # Errors
    /// [`TlsError`]; nothing changes then.
    fn renew(&self, certificates: &[u8], key: &[u8]) -> Result<(), TlsError>;
}

/// Accepts connections over TLS 1.2 and 1.3. A client may present a certificate, and need not.
pub struct Tls(RwLock<Arc<ServerConfig>>);

impl Renewable for Tls {
    fn new(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self(RwLock::new(configured(certificates, key)?)))
    }

    fn renew(&self, certificates: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let renewed = configured(certificates, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }
}

impl Tls {
    /// Agrees with a client on a connection, and gives the certificate that it has proved to hold.
    ///
    /// # Errors
    /// What is wrong with what the client sends.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<(TlsStream<S>, Option<ClientCertificate>)> {
        let current = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let stream = TlsAcceptor::from(current).accept(stream).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let certificate = shown.map(|shown| understand(shown)).transpose()?;
        Ok((stream, certificate))
    }
}

fn together(why: Error) -> TlsError {
    TlsError::Together(why.into())
}

fn configured(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(chain)?;
    let key = private_key(key)?;
    let provider = Arc::new(ring::default_provider());
    let any = Arc::new(AnyCertificate(provider.signature_verification_algorithms));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_client_cert_verifier(any).with_single_cert(chain, key));
    Ok(Arc::new(config.map_err(together)?))
}

/// How the service speaks TLS as a client: with servers of these authorities (PEM), or else of those that the system trusts; and
/// with a certificate and key of its own, if it is given one.
///
/// # Errors
/// [`TlsError`].
pub fn client(authorities: Option<&[u8]>, own: Option<(&[u8], &[u8])>) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(given) => {
            for authority in certificates(given)? {
                roots.add(authority).map_err(together)?;
            }
        }
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(together)?
        .with_root_certificates(roots);
    let config = match own {
        None => config.with_no_client_auth(),
        Some((chain, key)) => {
            let key = private_key(key)?;
            config.with_client_auth_cert(certificates(chain)?, key).map_err(together)?
        }
    };
    Ok(Arc::new(config))
}

pub(crate) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().map_err(TlsError::Certificates)?;
    if found.is_empty() { Err(TlsError::Certificates(pem::Error::NoItemsFound)) } else { Ok(found) }
}

/// The private key in that text.
pub(crate) fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(text).map_err(TlsError::Key)
}

/// What counts of a client's certificate.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn understand(certificate: &CertificateDer<'_>) -> io::Result<ClientCertificate> {
    let parsed = Certificate::from_der(certificate)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the client's certificate cannot be read"))?;
    let validity = parsed.tbs_certificate().validity();
    let time =
        |time: x509_cert::time::Time| Timestamp(i64::try_from(time.to_unix_duration().as_millis()).unwrap_or(i64::MAX));
    let (not_before, not_after) = (time(validity.not_before), time(validity.not_after));
    Ok(ClientCertificate::new(&STANDARD.encode(certificate), not_before, not_after))
}

const BAD: Error = Error::InvalidCertificate(CertificateError::BadEncoding);

/// The key inside a certificate. What else stands in it does not matter here, as nothing is signed with it further: those of
/// version 1, which the usual commands make for devices, are as good as others.
fn public_key(certificate: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    let parsed = Certificate::from_der(certificate).map_err(|_| BAD)?;
    let key = parsed.tbs_certificate().subject_public_key_info().to_der().map_err(|_| BAD)?;
    Ok(SubjectPublicKeyInfoDer::from(key))
}

/// Takes every certificate whose key the client holds: which device that is, and whether it is one, the registry knows.
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = public_key(certificate)?;
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| BAD)?;
        // The scheme does not name a curve in TLS 1.2: any of those with which it may be meant.
        let mut algorithms = self.0.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
        let is_signed = algorithms
            .any(|(_, any)| any.iter().any(|one| key.verify_signature(*one, message, signed.signature()).is_ok()));
        if is_signed { Ok(HandshakeSignatureValid::assertion()) } else { Err(CertificateError::BadSignature.into()) }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(message, &public_key(certificate)?, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
