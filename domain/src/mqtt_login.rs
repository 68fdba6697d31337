//! What an MQTT client connects with, and which device's credentials that fits (`docs/protocol.md`, MQTT).

use std::fmt;

use subtle::ConstantTimeEq;

use crate::{
    credentials::{MqttBasic, sha3_256, wipe},
    ports::{CredentialsKind, DeviceCredentials, DeviceToken},
};

/// What a client presents. Shows no secret in `Debug`.
#[derive(Clone)]
pub struct MqttLogin {
    /// Its id, which may be empty.
    pub client_id: DeviceToken,
    /// Its user name; an empty one is the same as none.
    pub user_name: Option<DeviceToken>,
    /// Its password; one that is no text fits nothing.
    pub password: Option<DeviceToken>,
}

impl MqttLogin {
    /// The ids under which credentials are looked for, the first first.
    pub fn ids(&self) -> Vec<DeviceToken> {
        let client_id = self.client_id.expose();
        match self.user_name() {
            None => vec![DeviceToken::new(sha3_256(&[client_id]))],
            Some(user) => vec![DeviceToken::new(sha3_256(&[client_id, "|", user])), DeviceToken::new(user)],
        }
    }

    /// Whether the credentials, which were found under one of [`MqttLogin::ids`], are those of this client.
    ///
    /// A token is one as the user name alone, whatever the client id and the password. Of a client id, a user name and a
    /// password, those that are stored have to be the same; and who was given a client id alone names no user.
    pub fn fits(&self, credentials: &DeviceCredentials) -> bool {
        match credentials.kind {
            CredentialsKind::AccessToken => self.user_name() == Some(credentials.credentials_id.expose()),
            CredentialsKind::MqttBasic => credentials.credentials_value.as_ref().is_some_and(|value| self.is(value)),
            CredentialsKind::X509Certificate => false,
        }
    }

    fn is(&self, stored: &DeviceToken) -> bool {
        let Ok(parts) = serde_json::from_str::<MqttBasic>(stored.expose()) else { return false };
        let same = |stored: &Option<String>, sent: Option<&str>| match stored {
            None => true,
            Some(stored) => bool::from(stored.as_bytes().ct_eq(sent.unwrap_or_default().as_bytes())),
        };
        let names_nobody_else = parts.user_name.is_some() || self.user_name().is_none();
        let is = names_nobody_else
            & same(&parts.client_id, Some(self.client_id.expose()))
            & same(&parts.user_name, self.user_name())
            & same(&parts.password, self.password.as_ref().map(DeviceToken::expose));
        wipe(parts);
        is
    }

    fn user_name(&self) -> Option<&str> {
        self.user_name.as_ref().map(DeviceToken::expose).filter(|user| !user.is_empty())
    }
}

impl fmt::Debug for MqttLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MqttLogin(***)")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{credentials::NewCredentials, ids::TenantId, time::Timestamp};

    fn stored(new: &NewCredentials) -> DeviceCredentials {
        DeviceCredentials {
            id: Uuid::from_u128(1).into(),
            device_id: Uuid::from_u128(2).into(),
            tenant_id: TenantId(Uuid::from_u128(3)),
            created_at: Timestamp(0),
            kind: new.kind(),
            credentials_id: new.id().clone(),
            credentials_value: new.value().cloned(),
            version: 1,
        }
    }

    fn basic(parts: [&str; 3]) -> NewCredentials {
        let [client, user, password] = parts.map(|part| Some(part).filter(|part| !part.is_empty()));
        NewCredentials::mqtt_basic(client, user, password).unwrap()
    }

    /// Whether a client that presents this is let in with those credentials: found first, and then fitting.
    fn is_let_in(login: [&str; 3], new: &NewCredentials) -> bool {
        let [client, user, password] = login.map(DeviceToken::new);
        let named = |part: DeviceToken| Some(part).filter(|part| !part.expose().is_empty());
        let login = MqttLogin { client_id: client, user_name: named(user), password: named(password) };
        login.ids().contains(new.id()) && login.fits(&stored(new))
    }

    #[test]
    fn a_token_is_the_user_name_whatever_else_is_sent() {
        let token = NewCredentials::access_token("T").unwrap();
        assert!(is_let_in(["", "T", ""], &token) && is_let_in(["c", "T", "p"], &token));
        assert!(!is_let_in(["T", "", "T"], &token) && !is_let_in(["", "t", ""], &token));
        // Not even where it looks like the id of a client.
        let hash = NewCredentials::access_token(&sha3_256(&["c"])).unwrap();
        assert!(!is_let_in(["c", "", ""], &hash));
    }

    #[test]
    fn what_is_stored_has_to_be_the_same() {
        let all = basic(["c", "u", "p"]);
        assert!(is_let_in(["c", "u", "p"], &all));
        for wrong in [["c", "u", "q"], ["c", "u", ""], ["d", "u", "p"], ["c", "v", "p"], ["c", "", "p"], ["", "u", "p"]]
        {
            assert!(!is_let_in(wrong, &all), "{wrong:?}");
        }
        let user = basic(["", "u", "p"]);
        assert!(is_let_in(["", "u", "p"], &user) && is_let_in(["any", "u", "p"], &user));
        assert!(!is_let_in(["any", "u", ""], &user));
        let without_password = basic(["c", "u", ""]);
        assert!(is_let_in(["c", "u", "any"], &without_password));
    }

    #[test]
    fn who_was_given_a_client_id_alone_names_no_user() {
        let client = basic(["c", "", ""]);
        assert!(is_let_in(["c", "", ""], &client) && is_let_in(["c", "", "any"], &client));
        assert!(!is_let_in(["c", "u", ""], &client));
        assert!(!is_let_in(["c", &sha3_256(&["c"]), ""], &client));
    }

    #[test]
    fn a_certificate_is_no_user_name() {
        let certificate = NewCredentials::certificate("MAcwADAAAwEA").unwrap();
        assert!(!is_let_in(["", certificate.id().expose(), ""], &certificate));
    }
}
