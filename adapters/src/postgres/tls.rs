//! TLS to the server, as `sslmode` and its companions ask for it in libpq.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    config::SslMode,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream as Encrypted,
    rustls::{
        CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
        client::{
            WebPkiServerVerifier,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        },
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    },
};

/// What the address of a database says about TLS.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::postgres) struct TlsSettings {
    /// `sslmode`
    pub(in crate::postgres) mode: Option<String>,
    /// `sslrootcert`: a file of certificates of authorities, or `system`
    pub(in crate::postgres) authorities: Option<String>,
    /// `sslcert`: a file of the client's certificate
    pub(in crate::postgres) certificate: Option<String>,
    /// `sslkey`: a file of its private key
    pub(in crate::postgres) key: Option<String>,
}

/// Whose certificate is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verified {
    /// Anybody's.
    Nothing,
    /// One that an authority has signed, for whatever name.
    Authority,
    /// One that an authority has signed for the server's name.
    Name,
}

impl TlsSettings {
    /// Whether there is TLS, and how it is made.
    ///
    /// # Errors
    /// What cannot be used; the setting, and why.
    pub(in crate::postgres) fn read(&self) -> Result<(SslMode, Tls), String> {
        let is_system = self.authorities.as_deref() == Some("system");
        let has_authorities = self.authorities.is_some();
        let (mode, verified) = match self.mode.as_deref() {
            None if is_system => (SslMode::Require, Verified::Name),
            Some("disable") => (SslMode::Disable, Verified::Nothing),
            Some("verify-full") if has_authorities => (SslMode::Require, Verified::Name),
            Some(_) if is_system => return Err("sslrootcert=system goes with sslmode=verify-full".to_owned()),
            Some("verify-ca") if has_authorities => (SslMode::Require, Verified::Authority),
            Some("require") if has_authorities => (SslMode::Require, Verified::Authority),
            None | Some("prefer") if has_authorities => (SslMode::Prefer, Verified::Authority),
            Some("require") => (SslMode::Require, Verified::Nothing),
            None | Some("prefer") => (SslMode::Prefer, Verified::Nothing),
            Some(mode @ ("verify-ca" | "verify-full")) => {
                return Err(format!("sslmode={mode} needs sslrootcert, a file of the authorities that are trusted"));
            }
            Some(_) => return Err("sslmode is disable, prefer, require, verify-ca or verify-full".to_owned()),
        };
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|why| why.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(self.verifier(verified, provider)?));
        let mut config = match (&self.certificate, &self.key) {
            (None, None) => config.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let key = PrivateKeyDer::from_pem_file(key).map_err(|why| format!("sslkey: {why}"))?;
                let certificate = certificates("sslcert", certificate)?;
                config.with_client_auth_cert(certificate, key).map_err(|why| format!("sslcert and sslkey: {why}"))?
            }
            _ => return Err("sslcert and sslkey go together".to_owned()),
        };
        // What a server asks for that is spoken to without a question first (`sslnegotiation=direct`).
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok((mode, Tls(Arc::new(config).into())))
    }

    fn verifier(&self, verified: Verified, provider: Arc<CryptoProvider>) -> Result<Verifier, String> {
        let Some(authorities) = self.authorities.as_deref().filter(|_| verified != Verified::Nothing) else {
            return Ok(Verifier { authorities: None, verified, provider });
        };
        let mut roots = RootCertStore::empty();
        let found = match authorities {
            "system" => rustls_native_certs::load_native_certs().certs,
            file => certificates("sslrootcert", file)?,
        };
        roots.add_parsable_certificates(found);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let authorities = Some(verifier.map_err(|why| format!("sslrootcert: {why}"))?);
        Ok(Verifier { authorities, verified, provider })
    }
}

fn certificates(setting: &str, file: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|why| format!("{setting}: {why}"))?;
    if found.is_empty() { Err(format!("{setting}: no certificate in the file")) } else { Ok(found) }
}

/// Takes certificates of servers.
#[derive(Debug)]
struct Verifier {
    authorities: Option<Arc<WebPkiServerVerifier>>,
    verified: Verified,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authorities) = &self.authorities else { return Ok(ServerCertVerified::assertion()) };
        match authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.verified == Verified::Authority => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Makes connections encrypted.
#[derive(Clone)]
pub(in crate::postgres) struct Tls(TlsConnector);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Makes one, to the server of that name.
pub(in crate::postgres) struct TlsTo(TlsConnector, ServerName<'static>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Stream<S>;
    type TlsConnect = TlsTo;
    type Error = InvalidDnsNameError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<TlsTo, InvalidDnsNameError> {
        Ok(TlsTo(self.0.clone(), ServerName::try_from(domain.to_owned())?))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for TlsTo {
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Stream<S>>>;

    fn connect(self, stream: S) -> Self::Future {
        self.0.connect(self.1, stream).map(|connected| connected.map(Stream)).boxed()
    }
}

/// A connection that is encrypted.
pub(in crate::postgres) struct Stream<S>(Encrypted<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
