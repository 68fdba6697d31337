//! The service's certificate, and what is agreed on with clients.

use std::sync::{LazyLock, PoisonError, RwLock};

use openssl::{
    error::ErrorStack,
    ex_data::Index,
    pkey::{HasPublic, PKey, PKeyRef},
    ssl::{Ssl, SslContext, SslMethod, SslOptions, SslSessionCacheMode, SslVerifyMode, SslVersion},
    x509::X509,
};

use super::hello::Cookie;
use crate::tls::{Renewable, TlsError, certificates, private_key};

/// ECDHE with AEAD. The last one is the one that every device has (RFC 7252, 9.1.3.3); OpenSSL takes it for too weak, so its own idea
/// of strength is switched off, and what it stood for is said here and in [`is_strong`].
const SUITES: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:\
                      ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:\
                      ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0";
const GROUPS: &str = "P-256:X25519:P-384";
const SIGNATURES: &str = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:\
                          RSA+SHA256:RSA+SHA384:RSA+SHA512";
/// Least strength of a key, in bits: RSA with 2,048, or a curve of 224.
const STRENGTH: u32 = 112;

/// Where a handshake has the cookie that the peer was sent.
pub(super) static COOKIE: LazyLock<Result<Index<Ssl, Cookie>, ErrorStack>> = LazyLock::new(Ssl::new_ex_index);

/// Who the service is, over DTLS 1.2. A client may present a certificate, and need not.
pub struct DtlsIdentity(RwLock<SslContext>);

impl Renewable for DtlsIdentity {
    fn new(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self(RwLock::new(configured(certificates, key)?)))
    }

    fn renew(&self, certificates: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let renewed = configured(certificates, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }
}

impl DtlsIdentity {
    /// What the next handshake begins with.
    pub(super) fn current(&self) -> SslContext {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether nobody can find the private key.
pub(super) fn is_strong<T: HasPublic>(key: &PKeyRef<T>) -> bool {
    key.security_bits() >= STRENGTH
}

fn configured(chain: &[u8], key: &[u8]) -> Result<SslContext, TlsError> {
    let (chain, key) = (certificates(chain)?, private_key(key)?);
    let together = |error: ErrorStack| TlsError::Together(error.into());
    let key = PKey::private_key_from_der(key.secret_der()).map_err(together)?;
    if !is_strong(&key) {
        return Err(TlsError::Together("the key is too weak".into()));
    }
    let chain: Vec<_> = chain.iter().map(|one| X509::from_der(one)).collect::<Result<_, _>>().map_err(together)?;
    context(chain, &key).map_err(together)
}

fn context(chain: Vec<X509>, key: &PKeyRef<openssl::pkey::Private>) -> Result<SslContext, ErrorStack> {
    let cookie = COOKIE.clone()?;
    let mut context = SslContext::builder(SslMethod::dtls_server())?;
    context.set_min_proto_version(Some(SslVersion::DTLS1_2))?;
    context.set_max_proto_version(Some(SslVersion::DTLS1_2))?;
    context.set_cipher_list(SUITES)?;
    context.set_groups_list(GROUPS)?;
    context.set_sigalgs_list(SIGNATURES)?;
    let mut chain = chain.into_iter();
    if let Some(own) = chain.next() {
        context.set_certificate(&own)?;
    }
    for other in chain {
        context.add_extra_chain_cert(other)?;
    }
    context.set_private_key(key)?;
    context.check_private_key()?;
    context.set_options(
        SslOptions::NO_TICKET
            | SslOptions::NO_RENEGOTIATION
            | SslOptions::COOKIE_EXCHANGE
            | SslOptions::NO_QUERY_MTU
            | SslOptions::CIPHER_SERVER_PREFERENCE,
    );
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    // Which device that is, and whether it is one, the registry knows.
    context.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
    context.set_cookie_generate_cb(move |ssl, buffer| {
        let cookie = ssl.ex_data(cookie).copied().unwrap_or_default();
        let Some(beginning) = buffer.first_chunk_mut() else { return Ok(0) };
        *beginning = cookie;
        Ok(cookie.len())
    });
    context.set_cookie_verify_cb(move |ssl, given| ssl.ex_data(cookie).is_some_and(|cookie| given == cookie));
    Ok(context.build())
}
