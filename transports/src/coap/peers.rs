//! Who speaks, and by what it is let in.

use std::{
    cmp::Reverse,
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

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

/// Whose an address is, as far as places are shared out.
pub(super) fn source(address: SocketAddr) -> IpAddr {
    crate::source::source(address.ip())
}

/// What makes room where all places are taken: of those who have most places, the oldest. They are given with whose they are, the
/// oldest first, and the one for which there is to be room last.
pub(super) fn makes_room<K: Eq + Hash, T>(places: impl IntoIterator<Item = (K, T)>) -> Option<T> {
    let mut all = HashMap::new();
    for (n, (owner, place)) in places.into_iter().enumerate() {
        all.entry(owner).or_insert((0_usize, Reverse(n), place)).0 += 1;
    }
    all.into_values().max_by_key(|(count, oldest, _)| (*count, *oldest)).map(|(.., place)| place)
}

/// By what a device is let in.
#[derive(Clone)]
pub(super) enum Shown {
    /// The access token in the path.
    Token(DeviceToken),
    /// The certificate of the session.
    Certificate(Arc<ClientCertificate>),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_most_makes_room() {
        assert_eq!(makes_room([('a', 0), ('b', 1), ('b', 2), ('c', 3)]), Some(1));
        assert_eq!(makes_room([('a', 0), ('b', 1), ('a', 2), ('b', 3)]), Some(0));
        assert_eq!(makes_room([('a', 0), ('b', 1)]), Some(0), "with one each, the oldest");
        assert_eq!(makes_room::<char, usize>([]), None);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let of = |text: &str| source(text.parse().unwrap());
        assert_eq!(of("[2001:db8::1]:1"), of("[2001:db8::ffff:1:2:3]:9"));
        assert_ne!(of("[2001:db8::1]:1"), of("[2001:db8:0:1::1]:1"));
        assert_eq!(of("10.0.0.1:1"), of("[::ffff:10.0.0.1]:2"));
        assert_ne!(of("10.0.0.1:1"), of("10.0.0.2:1"));
    }
}
