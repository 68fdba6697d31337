//! How the devices of an MQTT profile write their messages, as a client wants to save it.

use deed_domain::ports::{PayloadEncoding, Payloads};
use serde_json::{Map, Value};

use super::draft::{only, unset};
use crate::{
    error::ApiError,
    extract::JsonObject,
    wire::{
        ATTRIBUTES_TOPIC, JSON_COMPATIBLE, JSON_DOWNLINKS, JSON_PAYLOAD, PROTOBUF_PAYLOAD, PROTOBUF_SCHEMAS,
        TELEMETRY_TOPIC,
    },
};

/// Most bytes of a schema, which clients keep and nobody reads.
const LONGEST_SCHEMA: usize = 65_536;

/// Reads the transport configuration of an MQTT profile, and what clients keep there beside Protobuf.
pub(super) fn read_mqtt(configuration: &JsonObject) -> Result<(Payloads, Option<Value>), ApiError> {
    only(configuration, "deviceTelemetryTopic", TELEMETRY_TOPIC)?;
    only(configuration, "deviceAttributesTopic", ATTRIBUTES_TOPIC)?;
    only(configuration, "deviceAttributesSubscribeTopic", ATTRIBUTES_TOPIC)?;
    only(configuration, "sparkplug", "false")?;
    unset(configuration, "sparkplugAttributesMetricNames")?;
    let acknowledges_faults = configuration.flag("sendAckOnValidationException")?.unwrap_or(false);
    let (encoding, notes) = match configuration.nested("transportPayloadTypeConfiguration")? {
        Some(payload) => read_encoding(&payload)?,
        None => (PayloadEncoding::Json, None),
    };
    Ok((Payloads { encoding, acknowledges_faults }, notes))
}

fn read_encoding(payload: &JsonObject) -> Result<(PayloadEncoding, Option<Value>), ApiError> {
    match payload.text("transportPayloadType")?.as_deref() {
        None | Some(JSON_PAYLOAD) => return Ok((PayloadEncoding::Json, None)),
        Some(PROTOBUF_PAYLOAD) => {}
        Some(_) => return Err(ApiError::invalid("Member 'transportPayloadType' must be JSON or PROTOBUF")),
    }
    let encoding = match payload.flag(JSON_COMPATIBLE)? {
        Some(true) => PayloadEncoding::ProtobufOrJson,
        Some(false) | None => PayloadEncoding::Protobuf,
    };
    let mut notes = Map::new();
    for name in PROTOBUF_SCHEMAS {
        let Some(schema) = payload.text(name)? else { continue };
        if schema.len() > LONGEST_SCHEMA {
            return Err(ApiError::invalid(format!("Member '{name}' must have at most {LONGEST_SCHEMA} bytes")));
        }
        notes.insert(name.to_owned(), schema.into());
    }
    if let Some(flag) = payload.flag(JSON_DOWNLINKS)? {
        notes.insert(JSON_DOWNLINKS.to_owned(), flag.into());
    }
    Ok((encoding, Some(notes).filter(|notes| !notes.is_empty()).map(Value::from)))
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use serde_json::json;

    use super::*;

    fn read(payload: &Value) -> Result<(Payloads, Option<Value>), String> {
        let configuration = json!({"transportPayloadTypeConfiguration": payload, "sendAckOnValidationException": true});
        let members = JsonObject::parse(&Bytes::from(configuration.to_string())).unwrap();
        read_mqtt(&members).map_err(|error| error.to_string())
    }

    fn payloads(encoding: PayloadEncoding) -> Payloads {
        Payloads { encoding, acknowledges_faults: true }
    }

    #[test]
    fn the_encoding_is_chosen_and_what_clients_keep_beside_it_is_kept() {
        let none = Value::Null;
        for payload in [&none, &json!({}), &json!({"transportPayloadType": "JSON", "deviceTelemetryProtoSchema": "x"})]
        {
            assert_eq!(read(payload), Ok((payloads(PayloadEncoding::Json), None)), "{payload}");
        }
        let bare = json!({"transportPayloadType": "PROTOBUF"});
        assert_eq!(read(&bare), Ok((payloads(PayloadEncoding::Protobuf), None)));
        let notes = json!({"deviceTelemetryProtoSchema": "x", "useJsonPayloadFormatForDefaultDownlinkTopics": false});
        let mut full = json!({"transportPayloadType": "PROTOBUF", "enableCompatibilityWithJsonPayloadFormat": true});
        full.as_object_mut().unwrap().extend(notes.as_object().unwrap().clone());
        assert_eq!(read(&full), Ok((payloads(PayloadEncoding::ProtobufOrJson), Some(notes))));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let schema = json!({"transportPayloadType": "PROTOBUF", "deviceTelemetryProtoSchema": "x".repeat(65_537)});
        assert!(read(&schema).unwrap_err().contains("at most 65536 bytes"));
        let flag = json!({"transportPayloadType": "PROTOBUF", "enableCompatibilityWithJsonPayloadFormat": "x"});
        assert!(read(&flag).unwrap_err().contains("enableCompatibilityWithJsonPayloadFormat"));
    }
}
