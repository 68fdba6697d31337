//! Messages in Protobuf, and those of gateways in either encoding.

use deed_domain::ports::PayloadEncoding;
use deed_transports::device_protocol::{PayloadError, read, read_claims, read_connect, read_disconnect};
use serde_json::Value;

const ENCODINGS: [PayloadEncoding; 3] =
    [PayloadEncoding::Json, PayloadEncoding::Protobuf, PayloadEncoding::ProtobufOrJson];

/// A device's claim in Protobuf: means the same with an unknown field behind it and written anew; JSON is read where it
/// is allowed and the message is none.
pub fn protobuf_claim(input: &[u8]) -> bool {
    let [json, protobuf, both] = ENCODINGS.map(|encoding| meaning_of(encoding, input));
    assert_eq!(both, protobuf.clone().or(json), "Protobuf first, then JSON");
    let Ok((key, duration_ms)) = &protobuf else { return false };
    let more = [input, &[0xf8, 0x07, 0x01]].concat();
    assert_eq!(meaning_of(PayloadEncoding::Protobuf, &more), protobuf, "unknown fields mean nothing");
    let mut anew = vec![0x0a];
    write_varint(key.len() as u64, &mut anew);
    anew.extend(key.as_bytes());
    anew.push(0x10);
    write_varint(duration_ms.cast_unsigned(), &mut anew);
    assert_eq!(meaning_of(PayloadEncoding::Protobuf, &anew), protobuf, "written anew it is the same");
    true
}

/// A message of a gateway: claims name each device once, and read as those of a device; no key is shown.
pub fn gateway_message(input: &[u8]) -> bool {
    let mut accepted = false;
    for encoding in ENCODINGS {
        if let Ok(claims) = read_claims(encoding, input) {
            assert!(!claims.is_empty(), "no claim is a fault");
            assert!(claims.windows(2).all(|pair| pair[0].name < pair[1].name), "each device stands there once");
            for claim in &claims {
                let shown = format!("{:?}", claim.payload);
                let expected = match &claim.payload {
                    Ok(payload) => {
                        format!("Ok(ClaimPayload {{ key: ClaimKey(***), duration_ms: {} }})", payload.duration_ms)
                    }
                    Err(error) => format!("Err({error:?})"),
                };
                assert_eq!(shown, expected, "the key is not shown");
            }
            accepted = true;
        }
        if let Ok(connect) = read_connect(encoding, input) {
            assert_eq!(read_disconnect(encoding, input).as_ref(), Ok(&connect.name), "the name is read alike");
            accepted = true;
        }
    }
    if let (Ok(text), Ok(alone)) = (str::from_utf8(input), meaning_of(PayloadEncoding::Json, input))
        && text.trim_start().starts_with('{')
    {
        let message = format!("{{\"D\":{text}}}");
        let claims = read_claims(PayloadEncoding::Json, message.as_bytes()).unwrap_or_default();
        let [claim] = claims.as_slice() else { panic!("one claim: {claims:?}") };
        let payload = claim.payload.as_ref().map(|payload| (payload.key.expose().to_owned(), payload.duration_ms));
        assert_eq!(payload, Ok(alone), "a gateway's claim reads as a device's");
    }
    let object = str::from_utf8(input).ok().and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let Some(Value::Object(members)) = object {
        let objects = members.values().any(Value::is_object);
        assert_eq!(read_claims(PayloadEncoding::Json, input).is_ok(), objects, "objects are claims");
    }
    accepted
}

/// The key and the duration.
fn meaning_of(encoding: PayloadEncoding, payload: &[u8]) -> Result<(String, i64), PayloadError> {
    read(encoding, payload).map(|payload| (payload.key.expose().to_owned(), payload.duration_ms))
}

fn write_varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push((number as u8 & 0x7f) | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
