//! The certificate that a client presents over TLS, and whose credentials that is (`docs/protocol.md`, MQTT).

use std::fmt;

use crate::{
    credentials::sha3_256,
    ports::{CredentialsKind, DeviceCredentials, DeviceToken},
    time::Timestamp,
};

/// A certificate whose private key the client has proved to hold. Who signed it does not matter: a device is known by the
/// very certificate that stands in its credentials.
#[derive(Clone)]
pub struct ClientCertificate {
    id: DeviceToken,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl ClientCertificate {
    /// Of its DER in base64, in one line, and the time for which it was issued, both ends included.
    pub fn new(base64: &str, not_before: Timestamp, not_after: Timestamp) -> Self {
        Self { id: DeviceToken::new(sha3_256(&[base64])), not_before, not_after }
    }

    /// The id of credentials that hold it.
    pub const fn id(&self) -> &DeviceToken {
        &self.id
    }

    /// Whether it was issued for this time.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// Whether the credentials, which were found under its id, are those of this client. Somebody may have a token that
    /// looks like the id.
    pub fn fits(&self, credentials: &DeviceCredentials) -> bool {
        credentials.kind == CredentialsKind::X509Certificate
    }
}

/// The id is a hash of what everybody may see, and would find a device all the same.
impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id: _, not_before, not_after } = self;
        f.debug_struct("ClientCertificate")
            .field("not_before", not_before)
            .field("not_after", not_after)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::NewCredentials;

    #[test]
    fn it_is_found_under_the_id_of_the_credentials_that_hold_it() {
        let saved =
            NewCredentials::certificate("-----BEGIN CERTIFICATE-----\nMAgwADAA\nAwIAAQ==\n-----END CERTIFICATE-----");
        let presented = ClientCertificate::new("MAgwADAAAwIAAQ==", Timestamp(1), Timestamp(3));
        assert_eq!(saved.unwrap().id().expose(), presented.id().expose());
        assert_eq!([0, 1, 3, 4].map(|now| presented.is_valid_at(Timestamp(now))), [false, true, true, false]);
        assert!(!format!("{presented:?}").contains(presented.id().expose()));
    }
}
