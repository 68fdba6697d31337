//! What devices and people send beside claims.

use deed_domain::{attributes, credentials::NewCredentials, ports::CredentialsKind};
use deed_transports::device_protocol::{MessageError, answer, check_telemetry};
use serde_json::Value;

/// Attributes: mean the same inside a text; what is stored of them reads the same again.
pub fn attributes(input: &[u8]) -> bool {
    let stored = |input: &[u8]| {
        let read = attributes::read(input)?;
        Ok::<_, attributes::InvalidAttributes>(
            read.into_iter().map(|(key, written)| (key, written.into_stored(true))).collect::<Vec<_>>(),
        )
    };
    let first = stored(input);
    if let Ok(members) = &first {
        let object = Value::from_iter(members.clone()).to_string();
        assert_eq!(stored(object.as_bytes()).as_ref(), Ok(members), "stored again it is the same");
        assert_eq!(stored(Value::from(object).to_string().as_bytes()).as_ref(), Ok(members), "a text changes nothing");
    }
    first.is_ok()
}

/// Device credentials of each kind: what is kept is read the same again, and nothing is shown.
pub fn credentials(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let mut accepted = false;
    for kind in CredentialsKind::ALL {
        let Ok(new) = NewCredentials::read(kind, Some(text), Some(text)) else { continue };
        let again = NewCredentials::read(kind, Some(new.id().expose()), new.value().map(|value| value.expose()));
        assert_eq!(again.as_ref(), Ok(&new), "what is kept is read the same again");
        assert_eq!(format!("{:?}", new.id()), "DeviceToken(***)", "nothing is shown");
        accepted |= kind == CredentialsKind::MqttBasic;
    }
    accepted
}

/// Telemetry and requests of a device: whether they are understood does not depend on blanks behind them.
pub fn device_message(input: &[u8]) -> bool {
    let telemetry = check_telemetry(input);
    let request = answer(input, 65_536, None);
    if !input.is_empty() && input != "\u{feff}".as_bytes() {
        let blanks = [input, b" \n"].concat();
        assert_eq!(check_telemetry(&blanks).is_ok(), telemetry.is_ok(), "blanks mean nothing");
        assert_eq!(answer(&blanks, 65_536, None).is_ok(), request.is_ok(), "blanks mean nothing");
    }
    if request.is_ok() {
        assert_eq!(telemetry, Ok(()), "a request is an object");
    } else if telemetry == Ok(()) {
        assert!(!matches!(request, Err(MessageError::Missing | MessageError::NotUtf8)));
    }
    telemetry.is_ok()
}
