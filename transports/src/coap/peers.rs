//! Who speaks, and by what it is let in.

use std::{net::SocketAddr, sync::Arc};

use deed_domain::{
    claims::Failure,
    client_certificate::ClientCertificate,
    ports::{DeviceIdentity, DeviceToken},
};

use super::Coap;

/// Who sends datagrams. Over DTLS, another session with the same address is somebody else (RFC 7252, 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Where it is.
    pub address: SocketAddr,
    /// The number of the session with it; `None` without DTLS.
    pub session: Option<u64>,
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self { address, session: None }
    }
}

/// By what a device is let in.
#[derive(Clone)]
pub(super) enum Shown {
    /// The access token in the path.
    Token(DeviceToken),
    /// The certificate of the session.
    Certificate(Arc<ClientCertificate>),
}

impl Shown {
    /// What stands in the path for it.
    pub(super) fn segment(&self) -> Option<&str> {
        match self {
            Self::Token(token) => Some(token.expose()),
            Self::Certificate(_) => None,
        }
    }
}

impl Coap {
    /// The device that is let in by that, now.
    ///
    /// # Errors
    /// [`Failure::NotAppended`] if the registry cannot be read.
    pub(super) async fn identify(&self, shown: &Shown) -> Result<Option<DeviceIdentity>, Failure> {
        match shown {
            Shown::Token(token) => self.protocol.identify(token).await,
            Shown::Certificate(certificate) => {
                let is_valid = self.settings.takes_expired_certificates || certificate.is_valid_at(self.clock.now());
                let found = self.protocol.identify_certificate(certificate).await?;
                Ok(found.filter(|_| is_valid).map(|found| DeviceIdentity::new(found.tenant_id, found.device_id)))
            }
        }
    }
}
