//! Gateways: what they send for the devices behind them, and what they are told (`docs/protocol.md`, gateways).

use std::{borrow::Cow, fmt};

use deed_domain::{
    claims::Failure,
    gateways::{Connected, Gateway, GatewayClaim, NotReached, UnusableName},
    metadata::Transport,
    ports::{AppendError, DeviceIdentity, PayloadEncoding},
};

use super::{
    DeviceClaim, DeviceProtocol, GatewayMessageError, NotRegistered, PayloadError, count_registration, read_claims,
    read_connect, read_disconnect,
};

/// Most characters of a device's name in [`GatewayError::reason`].
const SHOWN_NAME: usize = 40;
/// Most devices that [`GatewayError::reason`] names.
const SHOWN_DEVICES: usize = 8;

/// Why a gateway's message was not carried out, or not for all devices that it names.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GatewayError {
    /// The device is no gateway at this moment.
    #[error("the device is not a gateway")]
    NotAGateway,
    /// The message is not understood.
    #[error(transparent)]
    Malformed(#[from] GatewayMessageError),
    /// The device is not there, and cannot be made under that name or of that type.
    #[error(transparent)]
    Unusable(#[from] UnusableName),
    /// Of some of the devices no key was registered; of all others one was.
    #[error(transparent)]
    Devices(#[from] DevicesNotRegistered),
    /// The rules say no, or the store cannot answer: nothing was done.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// The devices of one message of which no key was registered; at least one.
#[derive(Clone, Debug)]
pub struct DevicesNotRegistered(pub Vec<DeviceNotRegistered>);

/// A device of which no key was registered.
#[derive(Clone, Debug)]
pub struct DeviceNotRegistered {
    /// The name, as the gateway sent it.
    pub name: String,
    /// Why.
    pub why: WhyNot,
}

/// Why of a device behind a gateway no key was registered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WhyNot {
    /// The claim is not understood, or the rules say no, or the store cannot answer.
    #[error(transparent)]
    NotRegistered(#[from] NotRegistered),
    /// The device is not there, and cannot be made under that name.
    #[error(transparent)]
    Unusable(#[from] UnusableName),
}

/// In which way a gateway's message failed: what it is told in the words of its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GatewayFault {
    /// The gateway did everything right, and the rules say no.
    Refused,
    /// A name or type cannot be one.
    Unusable,
    /// Something in the message cannot be read.
    Malformed,
    /// Something was not stored for reasons that pass; the message may be sent again.
    NotStored,
}

impl DeviceProtocol {
    /// Whether the device is a gateway at this moment: if its `additionalInfo` says `"gateway": true`.
    ///
    /// # Errors
    /// [`Failure::NotAppended`] if that cannot be read.
    pub async fn is_gateway(&self, device: DeviceIdentity) -> Result<bool, Failure> {
        Ok(self.gateways.gateway(device).await.map_err(AppendError::from)?.is_some())
    }

    /// A device connects through the gateway, and is made if it does not exist; answered when that is durable. If
    /// [`Connected::is_reached`], a session of the device's own ends.
    ///
    /// # Errors
    /// [`GatewayError`]; nothing has changed then.
    pub async fn connect_through_gateway(
        &self,
        gateway: DeviceIdentity,
        transport: Transport,
        correlation_id: Cow<'static, str>,
        encoding: PayloadEncoding,
        message: &[u8],
    ) -> Result<Connected, GatewayError> {
        let gateway = self.gateway(gateway).await?;
        let connect = read_connect(encoding, message)?;
        let caller = gateway.caller(transport, correlation_id);
        let device_type = connect.device_type.as_deref();
        Ok(self.gateways.connect(&caller, &gateway, &connect.name, device_type).await?)
    }

    /// A device is not connected any more. That is understood and changes nothing, whether or not it ever was: through
    /// which gateway it is reached stays.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn disconnect_from_gateway(
        &self,
        gateway: DeviceIdentity,
        encoding: PayloadEncoding,
        message: &[u8],
    ) -> Result<(), GatewayError> {
        self.gateway(gateway).await?;
        Ok(read_disconnect(encoding, message).map(drop)?)
    }

    /// Registers the claim keys of devices behind the gateway, many at the same time; answered when they are durable. Each
    /// counts as a message of the gateway, of which [`DeviceProtocol::admit`] has counted one already.
    ///
    /// # Errors
    /// [`GatewayError`]; with [`GatewayError::Devices`], the keys of all other devices are active.
    pub async fn register_claims_of_gateway(
        &self,
        gateway: DeviceIdentity,
        transport: Transport,
        correlation_id: Cow<'static, str>,
        encoding: PayloadEncoding,
        message: &[u8],
    ) -> Result<(), GatewayError> {
        let gateway = self.gateway(gateway).await?;
        let (mut wanted, mut not) = (Vec::new(), Vec::new());
        for (n, DeviceClaim { name, payload }) in read_claims(encoding, message)?.into_iter().enumerate() {
            // The message itself has been counted, and is the first. Once it is begun it is finished: what goes beyond the limit
            // is paid for by the messages that follow.
            if n > 0 {
                let _ = self.admit(gateway.device());
            }
            match payload {
                Ok(payload) => {
                    wanted.push(GatewayClaim { name, key: payload.key, duration_ms: payload.duration_ms });
                }
                Err(error) => not.push(DeviceNotRegistered { name, why: error.into() }),
            }
        }
        let names: Vec<String> = wanted.iter().map(|claim| claim.name.clone()).collect();
        let caller = gateway.caller(transport, correlation_id);
        let results = self.gateways.claim(&caller, &gateway, wanted).await.map_err(AppendError::from);
        for (name, result) in names.into_iter().zip(results.map_err(Failure::from)?) {
            match result {
                Ok(_) => count_registration(transport, "registered"),
                Err(error) => not.push(DeviceNotRegistered { name, why: error.into() }),
            }
        }
        not.iter().for_each(|device| count_registration(transport, device.why.code()));
        if not.is_empty() { Ok(()) } else { Err(DevicesNotRegistered(not).into()) }
    }

    async fn gateway(&self, device: DeviceIdentity) -> Result<Gateway, GatewayError> {
        let gateway = self.gateways.gateway(device).await.map_err(AppendError::from).map_err(Failure::from)?;
        gateway.ok_or(GatewayError::NotAGateway)
    }
}

impl GatewayError {
    /// In which way it failed; with several devices, what has to be told first: what may be sent again, then what is
    /// the gateway's own fault.
    pub fn fault(&self) -> GatewayFault {
        match self {
            Self::NotAGateway => GatewayFault::Refused,
            Self::Malformed(_) => GatewayFault::Malformed,
            Self::Unusable(_) => GatewayFault::Unusable,
            Self::Devices(DevicesNotRegistered(devices)) => {
                devices.iter().map(|device| device.why.fault()).max().unwrap_or(GatewayFault::Refused)
            }
            Self::Failed(failure) => of_failure(failure),
        }
    }

    /// One line for the gateway. It says which devices it is about, and shows no key.
    pub fn reason(&self) -> String {
        self.to_string()
    }
}

impl WhyNot {
    /// The stable code word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotRegistered(not) => not.outcome(),
            Self::Unusable(name) => name.code(),
        }
    }

    fn fault(&self) -> GatewayFault {
        match self {
            Self::NotRegistered(NotRegistered::Failed(failure)) => of_failure(failure),
            Self::NotRegistered(NotRegistered::Payload(_)) => GatewayFault::Malformed,
            Self::Unusable(_) => GatewayFault::Unusable,
        }
    }
}

const fn of_failure(failure: &Failure) -> GatewayFault {
    match failure {
        Failure::Refused(_) | Failure::NotAppended(AppendError::Taken(_) | AppendError::Gone(_)) => {
            GatewayFault::Refused
        }
        Failure::NotAppended(AppendError::Overloaded | AppendError::Conflict | AppendError::Store(_)) => {
            GatewayFault::NotStored
        }
    }
}

impl std::error::Error for DevicesNotRegistered {}

/// The first devices with the code of each; names are cut, and control characters in them replaced.
impl fmt::Display for DevicesNotRegistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, DeviceNotRegistered { name, why }) in self.0.iter().take(SHOWN_DEVICES).enumerate() {
            let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
            let name: String = name.chars().take(SHOWN_NAME).map(shown).collect();
            write!(f, "{}{name}: {}", if n == 0 { "" } else { "; " }, why.code())?;
        }
        match self.0.len().saturating_sub(SHOWN_DEVICES) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl From<NotReached> for GatewayError {
    fn from(not: NotReached) -> Self {
        match not {
            NotReached::Unusable(name) => Self::Unusable(name),
            NotReached::Failed(failure) => Self::Failed(failure),
        }
    }
}

impl From<NotReached> for WhyNot {
    fn from(not: NotReached) -> Self {
        match not {
            NotReached::Unusable(name) => Self::Unusable(name),
            NotReached::Failed(failure) => Self::NotRegistered(failure.into()),
        }
    }
}

impl From<PayloadError> for WhyNot {
    fn from(error: PayloadError) -> Self {
        Self::NotRegistered(error.into())
    }
}

#[cfg(test)]
mod tests {
    use deed_domain::{device::Refusal, texts::InvalidText};

    use super::*;

    fn not(name: &str, why: impl Into<WhyNot>) -> DeviceNotRegistered {
        DeviceNotRegistered { name: name.to_owned(), why: why.into() }
    }

    fn refused(refusal: Refusal) -> NotRegistered {
        NotRegistered::Failed(refusal.into())
    }

    #[test]
    fn what_may_be_sent_again_is_told_first_and_then_the_gateways_own_fault() {
        let claimed = || not("A", refused(Refusal::AlreadyClaimed));
        let malformed = || not("B", PayloadError::BadSecretKey);
        let unusable = not("C", UnusableName::Text(InvalidText::Markup("name")));
        let overloaded = not("D", NotRegistered::Failed(AppendError::Overloaded.into()));
        let fault = |devices| GatewayError::from(DevicesNotRegistered(devices)).fault();
        assert_eq!(fault(vec![claimed()]), GatewayFault::Refused);
        assert_eq!(fault(vec![claimed(), malformed()]), GatewayFault::Malformed);
        assert_eq!(fault(vec![unusable.clone(), claimed()]), GatewayFault::Unusable);
        assert_eq!(fault(vec![unusable, malformed()]), GatewayFault::Malformed);
        assert_eq!(fault(vec![overloaded, malformed()]), GatewayFault::NotStored);
        assert_eq!(GatewayError::NotAGateway.fault(), GatewayFault::Refused);
        assert_eq!(GatewayError::from(GatewayMessageError::NoName).fault(), GatewayFault::Malformed);
    }

    #[test]
    fn the_reason_names_devices_in_one_line() {
        let two = vec![not("A\n\u{0}B", refused(Refusal::NotItsGateway)), not("C", PayloadError::BadDuration)];
        let reason = GatewayError::from(DevicesNotRegistered(two)).reason();
        assert_eq!(reason, "A\u{fffd}\u{fffd}B: not_its_gateway; C: malformed");
        let many = (0..2_000).map(|_| not(&"ü".repeat(255), refused(Refusal::AlreadyClaimed))).collect();
        let reason = GatewayError::from(DevicesNotRegistered(many)).reason();
        assert!(reason.ends_with("already_claimed; and 1992 more") && reason.len() < 1_024, "{reason}");
    }
}
