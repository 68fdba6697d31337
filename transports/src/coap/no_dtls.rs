//! What stands for CoAP over DTLS in a build without it (feature `dtls`): nothing can be made of it.

use std::sync::Arc;

use tokio::net::UdpSocket;

use super::Coap;
use crate::tls::{Renewable, TlsError};

/// Who the service is, over DTLS: nobody.
pub enum DtlsIdentity {}

impl Renewable for DtlsIdentity {
    fn new(_: &[u8], _: &[u8]) -> Result<Self, TlsError> {
        Err(TlsError::Together("this build has no DTLS".into()))
    }

    fn renew(&self, _: &[u8], _: &[u8]) -> Result<(), TlsError> {
        match *self {}
    }
}

impl Coap {
    /// Speaks with nobody.
    #[expect(clippy::unused_async, reason = "it is the form of what stands here in a build with DTLS")]
    pub async fn serve_dtls(self: Arc<Self>, _: UdpSocket, identity: Arc<DtlsIdentity>) {
        match *identity {}
    }
}
