//! Who connects, and whether it is let in (`docs/protocol.md`, MQTT).

use deed_domain::{
    claims::Failure,
    client_certificate::ClientCertificate,
    mqtt_login::MqttLogin,
    ports::{CredentialsKind, DeviceCredentials, DeviceIdentity, DeviceToken},
};
use mqtt_protocol_core::mqtt::{
    packet::{
        AssignedClientIdentifier, Property, SessionExpiryInterval, SharedSubscriptionAvailable,
        SubscriptionIdentifierAvailable, v3_1_1, v5_0,
    },
    result_code::{ConnectReasonCode, ConnectReturnCode, DisconnectReasonCode},
};
use uuid::Uuid;

use super::{
    Mqtt,
    heard::{Connect, Fault},
    wire::Wire,
};
use crate::device_protocol::DeviceProtocol;

/// The name under which devices connect that add themselves.
const PROVISION: &str = "provision";

/// Who was let in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Client {
    /// A device.
    Device {
        /// The device.
        device: DeviceIdentity,
        /// The version of the credentials by which it was let in.
        credentials_version: u32,
    },
    /// One that adds itself.
    Newcomer,
}

impl Client {
    fn of(credentials: &DeviceCredentials) -> Self {
        Self::Device {
            device: DeviceIdentity::new(credentials.tenant_id, credentials.device_id),
            credentials_version: credentials.version,
        }
    }
}

/// Why a client is turned away.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    ClientId,
    Credentials { has_user_name: bool },
    Certificate,
    Unavailable,
}

impl DeviceProtocol {
    /// The credentials that fit what an MQTT client presents.
    ///
    /// # Errors
    /// [`Failure::NotAppended`] if the registry cannot be read.
    pub async fn identify_mqtt(&self, login: &MqttLogin) -> Result<Option<DeviceCredentials>, Failure> {
        let ids = login.ids();
        let last = ids.len().saturating_sub(1);
        for (n, id) in ids.iter().enumerate() {
            let found = self.credentials.by_credentials_id(id).await.map_err(deed_domain::ports::AppendError::from)?;
            // The hash of a client is no token, even if somebody has one that looks like it.
            if let Some(found) = found.filter(|found| n == last || found.kind == CredentialsKind::MqttBasic) {
                return Ok(Some(found).filter(|found| login.fits(found)));
            }
        }
        Ok(None)
    }

    /// The credentials that hold this certificate.
    ///
    /// # Errors
    /// [`Failure::NotAppended`] if the registry cannot be read.
    pub async fn identify_certificate(&self, shown: &ClientCertificate) -> Result<Option<DeviceCredentials>, Failure> {
        let found = self.credentials.by_credentials_id(shown.id()).await;
        let found = found.map_err(deed_domain::ports::AppendError::from)?;
        Ok(found.filter(|found| shown.fits(found)))
    }
}

/// Lets the client in, or tells it why not.
pub(super) async fn admit(
    mqtt: &Mqtt,
    wire: &mut Wire,
    connect: Connect,
    certificate: Option<&ClientCertificate>,
    session: Uuid,
) -> Option<Client> {
    let assigns = connect.client_id.is_empty() && wire.is_v5();
    let wants_session = connect.wants_session;
    match identify(mqtt, wire.is_v5(), connect, certificate).await {
        Ok(client) => {
            let sent = if wire.is_v5() {
                let mut properties = Vec::new();
                let assigned =
                    assigns.then(|| AssignedClientIdentifier::new(session.simple().to_string()).ok()).flatten();
                properties.extend(assigned.map(Property::AssignedClientIdentifier));
                // No session is kept: a client that asks for one is told.
                let none = wants_session.then(|| SessionExpiryInterval::new(0).ok()).flatten();
                properties.extend(none.map(Property::SessionExpiryInterval));
                let no_identifiers = SubscriptionIdentifierAvailable::new(0).ok();
                properties.extend(no_identifiers.map(Property::SubscriptionIdentifierAvailable));
                let none_shared = SharedSubscriptionAvailable::new(0).ok();
                properties.extend(none_shared.map(Property::SharedSubscriptionAvailable));
                let packet = v5_0::Connack::builder().session_present(false).reason_code(ConnectReasonCode::Success);
                wire.send(packet.props(properties).build())
            } else {
                let packet = v3_1_1::Connack::builder().session_present(false);
                wire.send(packet.return_code(ConnectReturnCode::Accepted).build())
            };
            sent.then_some(client)
        }
        Err(refusal) => {
            let (code, reason, outcome) = match refusal {
                Refusal::ClientId => {
                    (ConnectReturnCode::IdentifierRejected, ConnectReasonCode::ClientIdentifierNotValid, "client_id")
                }
                Refusal::Credentials { has_user_name: true } => {
                    (ConnectReturnCode::NotAuthorized, ConnectReasonCode::BadUserNameOrPassword, "credentials")
                }
                Refusal::Credentials { has_user_name: false } => {
                    (ConnectReturnCode::NotAuthorized, ConnectReasonCode::NotAuthorized, "credentials")
                }
                Refusal::Certificate => {
                    (ConnectReturnCode::NotAuthorized, ConnectReasonCode::NotAuthorized, "certificate")
                }
                Refusal::Unavailable => {
                    (ConnectReturnCode::ServerUnavailable, ConnectReasonCode::ServerUnavailable, "unavailable")
                }
            };
            refused(outcome);
            turn_away(wire, code, reason);
            None
        }
    }
}

/// Answers an introduction that cannot be read, as far as there is an answer.
pub(super) fn answer_fault(wire: &mut Wire, fault: &Fault) {
    refused("malformed");
    match fault {
        Fault::UnknownVersion { is_newer: true } => {
            let reason = ConnectReasonCode::UnsupportedProtocolVersion;
            wire.turn_away(v5_0::Connack::builder().session_present(false).reason_code(reason).build());
        }
        Fault::UnknownVersion { is_newer: false } => {
            let code = ConnectReturnCode::UnacceptableProtocolVersion;
            wire.turn_away(v3_1_1::Connack::builder().session_present(false).return_code(code).build());
        }
        Fault::Broken(code) if wire.is_v5() => {
            let reason = match code {
                DisconnectReasonCode::ProtocolError => ConnectReasonCode::ProtocolError,
                _ => ConnectReasonCode::MalformedPacket,
            };
            wire.turn_away(v5_0::Connack::builder().session_present(false).reason_code(reason).build());
        }
        Fault::Broken(_) | Fault::NoConnect => {}
    }
}

fn turn_away(wire: &mut Wire, code: ConnectReturnCode, reason: ConnectReasonCode) {
    if wire.is_v5() {
        wire.turn_away(v5_0::Connack::builder().session_present(false).reason_code(reason).build());
    } else {
        wire.turn_away(v3_1_1::Connack::builder().session_present(false).return_code(code).build());
    }
}

fn refused(why: &'static str) {
    metrics::counter!("deed_mqtt_refused_connects_total", "why" => why).increment(1);
}

async fn identify(
    mqtt: &Mqtt,
    is_v5: bool,
    connect: Connect,
    certificate: Option<&ClientCertificate>,
) -> Result<Client, Refusal> {
    if connect.client_id.is_empty() && !is_v5 && !connect.is_clean {
        return Err(Refusal::ClientId);
    }
    if connect.client_id == PROVISION || connect.user_name.as_deref() == Some(PROVISION) {
        return Ok(Client::Newcomer);
    }
    if let Some(certificate) = certificate {
        let is_valid = mqtt.settings.takes_expired_certificates || certificate.is_valid_at(mqtt.clock.now());
        let found = mqtt.protocol.identify_certificate(certificate).await.map_err(|_| Refusal::Unavailable)?;
        return found.filter(|_| is_valid).map(|found| Client::of(&found)).ok_or(Refusal::Certificate);
    }
    let refusal = Refusal::Credentials { has_user_name: connect.user_name.is_some() };
    // A password that is no text fits no credentials that ask for one, and may be anything where none is asked for.
    let password = connect.password.map(|bytes| match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => char::REPLACEMENT_CHARACTER.to_string(),
    });
    let login = MqttLogin {
        client_id: DeviceToken::new(connect.client_id),
        user_name: connect.user_name.map(DeviceToken::new),
        password: password.map(DeviceToken::new),
    };
    match mqtt.protocol.identify_mqtt(&login).await {
        Ok(Some(found)) => Ok(Client::of(&found)),
        Ok(None) => Err(refusal),
        Err(_) => Err(Refusal::Unavailable),
    }
}

/// Whether the credentials by which the client came are still those of the device. If that cannot be read, it stays.
pub(super) async fn is_still_let_in(mqtt: &Mqtt, client: Client) -> bool {
    let Client::Device { device, credentials_version } = client else { return true };
    match mqtt.protocol.credentials.of_device(device.device_id).await {
        Ok(found) => found.is_some_and(|found| found.version == credentials_version),
        Err(_) => true,
    }
}
