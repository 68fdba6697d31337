//! The body of a save: one object, each member one attribute.

use axum::body::Bytes;
use deed_domain::{
    attributes,
    claims::{ClaimingChange, ClaimingData, DataChange, SwitchChange, is_allowed},
    device::{CLAIMING_ALLOWED, CLAIMING_DATA},
    ports::{AttributeScope, Entity},
};
use serde_json::Value;

use super::is_claiming;
use crate::error::ApiError;

/// Attributes to write: the claiming ones apart from the plain ones.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) claiming: ClaimingChange,
    pub(super) plain: Vec<(String, Value)>,
}

impl Written {
    pub(super) fn read(
        body: &Bytes,
        entity: Entity,
        scope: AttributeScope,
        numeric_text_is_number: bool,
    ) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Err(ApiError::malformed("Required request body is missing"));
        }
        let members = attributes::read(body)?;
        if members.is_empty() {
            return Err(ApiError::invalid("No attributes data found in request body!"));
        }
        let mut written = Self { claiming: ClaimingChange::default(), plain: Vec::new() };
        for (key, member) in members {
            if !is_claiming(entity, scope, &key) {
                written.plain.push((key, member.into_stored(numeric_text_is_number)));
            } else if key == CLAIMING_ALLOWED {
                let allowed = is_allowed(&member.into_stored(numeric_text_is_number));
                written.claiming.switch = Some(if allowed { SwitchChange::Allow } else { SwitchChange::Disallow });
            } else if key == CLAIMING_DATA {
                written.claiming.data =
                    Some(ClaimingData::parse(member.json()).map_or(DataChange::Undecodable, DataChange::Set));
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use deed_domain::{
        device::KeySlot,
        ids::{CustomerId, DeviceId},
    };
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const ID: Uuid = Uuid::from_u128(1);
    const DEVICE: Entity = Entity::Device(DeviceId(ID));

    fn read_for(entity: Entity, scope: AttributeScope, body: &str) -> Result<Written, String> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Written::read(&body, entity, scope, true).map_err(|error| error.to_string())
    }

    fn read(body: &str) -> Result<Written, String> {
        read_for(DEVICE, AttributeScope::Server, body)
    }

    #[test]
    fn claiming_attributes_are_no_plain_ones() {
        let data = r#"{"claimingAllowed":"TRUE","claimingData":{"secretKey":"k","expirationTime":5},"x":1}"#;
        let written = read(data).unwrap();
        assert_eq!(written.plain, [("x".to_owned(), json!(1))]);
        assert_eq!(written.claiming.switch, Some(SwitchChange::Allow));
        let Some(DataChange::Set(data)) = written.claiming.data else { panic!("no data") };
        assert_eq!((data.key.expose(), data.form), ("k", KeySlot::AttributeObject));

        let garbled = read(r#"{"claimingData":"{","claimingAllowed":0}"#).unwrap();
        assert!(matches!(garbled.claiming.data, Some(DataChange::Undecodable)));
        assert_eq!(garbled.claiming.switch, Some(SwitchChange::Disallow));
    }

    #[test]
    fn one_allows_however_it_is_written() {
        for one in ["1", "1.0", "\"1\"", "\"1.0\""] {
            let written = read(&format!(r#"{{"claimingAllowed":{one}}}"#)).unwrap();
            assert_eq!(written.claiming.switch, Some(SwitchChange::Allow), "{one}");
        }
        for other in ["1.5", "\"01\"", "[1]", "\"yes\""] {
            let written = read(&format!(r#"{{"claimingAllowed":{other}}}"#)).unwrap();
            assert_eq!(written.claiming.switch, Some(SwitchChange::Disallow), "{other}");
        }
    }

    #[test]
    fn they_are_plain_ones_in_another_scope_and_of_another_entity() {
        for (entity, scope) in
            [(DEVICE, AttributeScope::Shared), (Entity::Customer(CustomerId(ID)), AttributeScope::Server)]
        {
            let written = read_for(entity, scope, r#"{"claimingAllowed":true}"#).unwrap();
            assert!(written.claiming.is_empty() && written.plain.len() == 1);
        }
    }

    #[test]
    fn nothing_to_save_is_a_fault() {
        assert_eq!(read("").unwrap_err(), "Required request body is missing");
        assert_eq!(read("{}").unwrap_err(), "No attributes data found in request body!");
        assert_eq!(read("{rubbish").unwrap_err(), "Invalid JSON");
    }

    proptest! {
        #[test]
        fn no_text_value_makes_it_panic(text in ".{0,40}") {
            let body = json!({"k": text, "claimingData": text, "claimingAllowed": text}).to_string();
            let _ = read(&body);
        }
    }
}
