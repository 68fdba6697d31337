//! What a gateway sends for the devices behind it (`docs/protocol.md`, gateways).

use std::{collections::BTreeMap, fmt};

use deed_domain::ports::PayloadEncoding;
use prost::Message;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    claim_payload::{BYTE_ORDER_MARK, ClaimPayload, PayloadError, first_character, object},
    protobuf::{ConnectMsg, DisconnectMsg, GatewayClaimMsg},
};

/// A device that connects through the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayConnect {
    /// What the device is called; never empty.
    pub name: String,
    /// Its type, if it has to be made; `None` for the tenant's default.
    pub device_type: Option<String>,
}

/// The claim key of a device behind the gateway.
#[derive(Clone, Debug)]
pub struct DeviceClaim {
    /// What the device is called.
    pub name: String,
    /// The key, or why it cannot be read: the others of the message are not touched by that.
    pub payload: Result<ClaimPayload, PayloadError>,
}

/// Why a message of a gateway is not understood. Shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayMessageError {
    /// It is no UTF-8.
    #[error("the message is not UTF-8")]
    NotUtf8,
    /// It is no JSON.
    #[error("the message is not valid JSON at line {line}, column {column}")]
    Malformed {
        /// Where it stops making sense, from 1 on.
        line: usize,
        /// Where it stops making sense.
        column: usize,
    },
    /// It is JSON, but no object, or nothing at all.
    #[error("the message must be a JSON object")]
    NotAnObject,
    /// It is not the Protobuf message.
    #[error("the message is not the Protobuf message of its topic")]
    NotProtobuf,
    /// It names no device: the name is missing, no text, or empty.
    #[error("the message must name a device")]
    NoName,
    /// The type is no text.
    #[error("the type of the device must be a text")]
    BadType,
    /// It holds no claim of any device.
    #[error("the message holds no claim of a device")]
    NoClaim,
}

/// Reads that a device connects: `{"device": "…", "type": "…"}` or `ConnectMsg`.
///
/// # Errors
/// [`GatewayMessageError`].
pub fn read_connect(encoding: PayloadEncoding, message: &[u8]) -> Result<GatewayConnect, GatewayMessageError> {
    in_encoding(encoding, message, connect_json, |ConnectMsg { device_name, device_type }| {
        let device_type = Some(device_type).filter(|device_type| !device_type.is_empty());
        Ok(GatewayConnect { name: named(device_name)?, device_type })
    })
}

/// Reads that a device is not connected any more, and what it is called: `{"device": "…"}` or `DisconnectMsg`.
///
/// # Errors
/// [`GatewayMessageError`].
pub fn read_disconnect(encoding: PayloadEncoding, message: &[u8]) -> Result<String, GatewayMessageError> {
    in_encoding(encoding, message, |text| name_of(&members(text)?), |DisconnectMsg { device_name }| named(device_name))
}

/// Reads the claims of devices: an object with the claim of each device under its name, or `GatewayClaimMsg`. Each device
/// stands there once: of those that come twice, the last counts. What is no object is no claim, and skipped; a claim
/// that cannot be read does not harm the others.
///
/// # Errors
/// [`GatewayMessageError`], also if there is no claim in it.
pub fn read_claims(encoding: PayloadEncoding, message: &[u8]) -> Result<Vec<DeviceClaim>, GatewayMessageError> {
    let claims = in_encoding(encoding, message, claims_json, |GatewayClaimMsg { msg }| {
        let of_each = msg.into_iter().map(|one| (one.device_name, Ok(one.claim_request.unwrap_or_default().into())));
        Ok(of_each.collect())
    });
    let claims: BTreeMap<String, _> = claims?;
    if claims.is_empty() {
        return Err(GatewayMessageError::NoClaim);
    }
    Ok(claims.into_iter().map(|(name, payload)| DeviceClaim { name, payload }).collect())
}

fn in_encoding<M: Message + Default, T>(
    encoding: PayloadEncoding,
    message: &[u8],
    of_json: impl Fn(&str) -> Result<T, GatewayMessageError>,
    of_protobuf: impl Fn(M) -> Result<T, GatewayMessageError>,
) -> Result<T, GatewayMessageError> {
    let json = || {
        let text = str::from_utf8(message).map_err(|_| GatewayMessageError::NotUtf8)?;
        of_json(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))
    };
    let protobuf = || M::decode(message).map_err(|_| GatewayMessageError::NotProtobuf).and_then(&of_protobuf);
    match encoding {
        PayloadEncoding::Json => json(),
        PayloadEncoding::Protobuf => protobuf(),
        PayloadEncoding::ProtobufOrJson => protobuf().or_else(|_| json()),
    }
}

fn connect_json(text: &str) -> Result<GatewayConnect, GatewayMessageError> {
    let members = members(text)?;
    let device_type = match members.0.get("type") {
        Some(value) if value.get() != "null" => {
            Some(serde_json::from_str(value.get()).map_err(|_| GatewayMessageError::BadType)?)
        }
        Some(_) | None => None,
    };
    Ok(GatewayConnect { name: name_of(&members)?, device_type })
}

fn claims_json(text: &str) -> Result<BTreeMap<String, Result<ClaimPayload, PayloadError>>, GatewayMessageError> {
    let objects = members(text)?.0.into_iter().filter(|(_, value)| first_character(value.get()) == Some('{'));
    Ok(objects.map(|(name, value)| (name, object(value.get()))).collect())
}

fn name_of(members: &Members<'_>) -> Result<String, GatewayMessageError> {
    let name = members.0.get("device").and_then(|value| serde_json::from_str(value.get()).ok());
    named(name.unwrap_or_default())
}

fn named(name: String) -> Result<String, GatewayMessageError> {
    if name.is_empty() { Err(GatewayMessageError::NoName) } else { Ok(name) }
}

fn members(text: &str) -> Result<Members<'_>, GatewayMessageError> {
    if text.is_empty() {
        return Err(GatewayMessageError::NotAnObject);
    }
    if first_character(text) != Some('{') {
        serde_json::from_str::<IgnoredAny>(text)?;
        return Err(GatewayMessageError::NotAnObject);
    }
    Ok(serde_json::from_str(text)?)
}

/// The members of an object as they were written; of a name that comes twice, the last.
struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.insert(name, value);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

impl From<serde_json::Error> for GatewayMessageError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed { line: error.line(), column: error.column() }
    }
}

#[cfg(test)]
mod tests {
    use PayloadEncoding::{Json, Protobuf, ProtobufOrJson};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::device_protocol::protobuf::{ClaimDevice, ClaimDeviceMsg};

    type Claims = Vec<(String, Result<(String, i64), PayloadError>)>;

    fn claims(encoding: PayloadEncoding, message: impl AsRef<[u8]>) -> Result<Claims, GatewayMessageError> {
        let claims = read_claims(encoding, message.as_ref())?;
        let shown = |payload: ClaimPayload| (payload.key.expose().to_owned(), payload.duration_ms);
        Ok(claims.into_iter().map(|claim| (claim.name, claim.payload.map(shown))).collect())
    }

    fn claim(name: &str, key: &str, duration_ms: i64) -> (String, Result<(String, i64), PayloadError>) {
        (name.to_owned(), Ok((key.to_owned(), duration_ms)))
    }

    fn connect(name: &str, device_type: Option<&str>) -> Result<GatewayConnect, GatewayMessageError> {
        Ok(GatewayConnect { name: name.to_owned(), device_type: device_type.map(str::to_owned) })
    }

    #[test]
    fn each_device_has_its_claim() {
        let message = r#"{"B":{"secretKey":"k","durationMs":5},"A":{}, "C" : { "secretKey" : 1.50 } }"#;
        assert_eq!(claims(Json, message), Ok(vec![claim("A", "", 0), claim("B", "k", 5), claim("C", "1.50", 0)]));
    }

    #[test]
    fn what_is_no_object_is_skipped_and_what_cannot_be_read_harms_no_other() {
        let message = r#"{"A":1,"B":null,"C":{"secretKey":null},"D":"{}","E":[{}],"F":{"durationMs":"x"},"G":{}}"#;
        let bad = |name: &str, error| (name.to_owned(), Err(error));
        let expected =
            vec![bad("C", PayloadError::BadSecretKey), bad("F", PayloadError::BadDuration), claim("G", "", 0)];
        assert_eq!(claims(Json, message), Ok(expected));
    }

    #[test]
    fn the_last_claim_of_a_device_counts() {
        let message = r#"{"A":{"secretKey":"a"},"\u0041":{"secretKey":"b"}}"#;
        assert_eq!(claims(Json, message), Ok(vec![claim("A", "b", 0)]));
        assert_eq!(claims(Json, r#"{"A":{"secretKey":"a"},"A":1}"#), Err(GatewayMessageError::NoClaim));
    }

    #[test]
    fn a_message_without_a_claim_is_refused() {
        for message in ["{}", r#"{"A":1,"B":"x"}"#, "\u{feff}{}"] {
            assert_eq!(claims(Json, message), Err(GatewayMessageError::NoClaim), "{message}");
        }
        for message in ["", "\u{feff}", "[]", "null", "1", r#""{}""#] {
            assert_eq!(claims(Json, message), Err(GatewayMessageError::NotAnObject), "{message}");
        }
        for message in [" ", "{", "{}}", "{a:{}}", r#"{"A":{},}"#, r#"{"A":{"secretKey":}}"#] {
            let refused = claims(Json, message);
            assert!(matches!(refused, Err(GatewayMessageError::Malformed { .. })), "{message}: {refused:?}");
        }
        assert_eq!(claims(Json, b"{\"\xff\":{}}"), Err(GatewayMessageError::NotUtf8));
        assert_eq!(claims(Protobuf, ""), Err(GatewayMessageError::NoClaim));
        for message in ["{\"A\":{}}".as_bytes(), b"\xff\xff", b"\x08\x01"] {
            assert_eq!(claims(Protobuf, message), Err(GatewayMessageError::NotProtobuf), "{message:?}");
        }
    }

    #[test]
    fn a_device_connects_by_name_and_may_have_a_type() {
        assert_eq!(read_connect(Json, br#"{"device":"N","type":"T","x":[]}"#), connect("N", Some("T")));
        assert_eq!(read_connect(Json, br#"{"type":null,"device":"N"}"#), connect("N", None));
        assert_eq!(read_connect(Json, br#"{"device":"N","type":""}"#), connect("N", Some("")));
        for message in ["{}", r#"{"device":""}"#, r#"{"device":null}"#, r#"{"device":1}"#, r#"{"Device":"N"}"#] {
            assert_eq!(read_connect(Json, message.as_bytes()), Err(GatewayMessageError::NoName), "{message}");
            assert_eq!(read_disconnect(Json, message.as_bytes()), Err(GatewayMessageError::NoName), "{message}");
        }
        assert_eq!(read_connect(Json, br#"{"device":"N","type":1}"#), Err(GatewayMessageError::BadType));
        assert_eq!(read_connect(Json, b"[]"), Err(GatewayMessageError::NotAnObject));
        assert_eq!(read_disconnect(Json, br#"{"device":"N"}"#), Ok("N".to_owned()));
        let message = ConnectMsg { device_name: "N".to_owned(), device_type: String::new() }.encode_to_vec();
        assert_eq!(read_connect(Protobuf, &message), connect("N", None));
        assert_eq!(read_disconnect(Protobuf, &message), Ok("N".to_owned()));
        assert_eq!(read_connect(Protobuf, b""), Err(GatewayMessageError::NoName));
    }

    fn any_claims() -> impl Strategy<Value = BTreeMap<String, (String, i64)>> {
        prop::collection::btree_map(".{0,6}", (".{0,6}", any::<i64>()), 1..5)
    }

    proptest! {
        #[test]
        fn both_encodings_say_the_same(written in any_claims()) {
            let expected: Claims = written.iter().map(|(name, (key, ms))| claim(name, key, *ms)).collect();
            let object: Value = written
                .iter()
                .map(|(name, (key, ms))| (name.clone(), json!({"secretKey": key, "durationMs": ms})))
                .collect();
            prop_assert_eq!(claims(Json, object.to_string()), Ok(expected.clone()));
            prop_assert_eq!(claims(Json, format!("{object:#}")), Ok(expected.clone()));
            let one = |(device_name, (secret_key, duration_ms))| ClaimDeviceMsg {
                device_name,
                claim_request: Some(ClaimDevice { secret_key, duration_ms }),
            };
            let message = GatewayClaimMsg { msg: written.into_iter().map(one).collect() }.encode_to_vec();
            prop_assert_eq!(claims(Protobuf, &message), Ok(expected.clone()));
            prop_assert_eq!(claims(ProtobufOrJson, &message), Ok(expected));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            for encoding in [Json, Protobuf, ProtobufOrJson] {
                let _ = read_claims(encoding, &bytes);
                let _ = read_connect(encoding, &bytes);
                let _ = read_disconnect(encoding, &bytes);
            }
        }

        #[test]
        fn no_text_near_json_makes_it_panic(text in r#"[\[\]{}":,.0-9eE+\-\\ua-f devicsrKtypn\n]{0,80}"#) {
            let _ = read_claims(Json, text.as_bytes());
            let _ = read_connect(Json, text.as_bytes());
        }
    }
}
