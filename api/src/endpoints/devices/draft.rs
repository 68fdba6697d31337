//! A device as a client wants to save it, read and checked.

use deed_domain::{
    ids::{CustomerId, DeviceId, ProfileId},
    texts::{InvalidText, check_name, check_text},
};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{error::ApiError, extract::JsonObject};

/// A device to save. Further members of a device are accepted and mean nothing.
#[derive(Debug, ToSchema)]
#[schema(as = DeviceToSave, rename_all = "camelCase")]
pub(super) struct Draft {
    /// The device to change; missing or null makes a new one.
    #[schema(value_type = Option<DraftId>)]
    pub(super) id: Option<DeviceId>,
    /// The version that the client saw; missing or null overwrites.
    pub(super) version: Option<i64>,
    /// Unique among the tenant's devices.
    #[schema(example = "D-1", max_length = 255)]
    pub(super) name: String,
    /// The name of a profile, which is made if there is none.
    #[schema(rename = "type", example = "default", max_length = 255)]
    pub(super) device_type: Option<String>,
    /// A profile; wins over `type`. A saved device without either keeps its own.
    #[schema(value_type = Option<DraftId>)]
    pub(super) device_profile_id: Option<ProfileId>,
    /// A free text for people.
    #[schema(max_length = 255)]
    pub(super) label: Option<String>,
    /// The owner. Null or the null UUID takes the device from its owner; a missing member leaves it there.
    #[schema(value_type = Option<DraftId>)]
    pub(super) customer_id: DraftOwner,
    /// Whatever clients keep there.
    #[schema(value_type = Option<Object>)]
    pub(super) additional_info: Option<Value>,
}

/// An entity id; the type may be left out.
#[derive(Debug, ToSchema)]
#[schema(as = EntityIdToSave, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the request; ids are read by `JsonObject::entity_id`")]
pub(in crate::endpoints) struct DraftId {
    entity_type: Option<String>,
    id: Uuid,
}

/// What a draft says about the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DraftOwner {
    Unsaid,
    Nobody,
    Customer(CustomerId),
}

impl Draft {
    pub(super) fn read(members: &JsonObject) -> Result<Self, ApiError> {
        let customer_id = match members.entity_id("customerId", "CUSTOMER")? {
            Some(id) => DraftOwner::Customer(CustomerId(id)),
            None if members.contains("customerId") => DraftOwner::Nobody,
            None => DraftOwner::Unsaid,
        };
        let name = members.text("name")?.filter(|name| !name.trim().is_empty());
        let draft = Self {
            id: members.entity_id("id", "DEVICE")?.map(DeviceId),
            version: members.integer("version")?,
            name: name.ok_or_else(|| ApiError::invalid("Device name should be specified!"))?,
            device_type: members.text("type")?.filter(|device_type| !device_type.trim().is_empty()),
            device_profile_id: members.entity_id("deviceProfileId", "DEVICE_PROFILE")?.map(ProfileId),
            label: members.text("label")?,
            customer_id,
            additional_info: members.object("additionalInfo")?,
        };
        draft.check().map_err(|why| ApiError::invalid(why.to_string()))?;
        Ok(draft)
    }

    fn check(&self) -> Result<(), InvalidText> {
        check_name("name", &self.name)?;
        self.device_type.as_deref().map_or(Ok(()), |device_type| check_name("type", device_type))?;
        self.label.as_deref().map_or(Ok(()), |label| check_text("label", label))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::wire::NULL_UUID;

    fn read(value: &Value) -> Result<Draft, String> {
        let members = JsonObject::parse(&Bytes::from(value.to_string())).unwrap();
        Draft::read(&members).map_err(|error| error.to_string())
    }

    #[test]
    fn a_name_is_enough() {
        let draft = read(&json!({"name": "D", "deviceData": {"x": []}, "id": null})).unwrap();
        assert_eq!((draft.name.as_str(), draft.id, draft.customer_id), ("D", None, DraftOwner::Unsaid));
    }

    #[test]
    fn the_owner_is_left_alone_unless_it_is_named() {
        let owner = |value: Value| read(&json!({"name": "D", "customerId": value})).unwrap().customer_id;
        assert_eq!(owner(json!(null)), DraftOwner::Nobody);
        assert_eq!(owner(json!({"id": NULL_UUID})), DraftOwner::Nobody);
        let id = Uuid::from_u128(5);
        assert_eq!(owner(json!({"entityType": "CUSTOMER", "id": id})), DraftOwner::Customer(CustomerId(id)));
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        for name in [json!(null), json!(""), json!("  ")] {
            assert_eq!(read(&json!({"name": name})).unwrap_err(), "Device name should be specified!");
        }
        let refused = |name: &str| read(&json!({"name": name})).unwrap_err();
        assert_eq!(refused(&"x".repeat(256)), "Validation error: name length must be equal or less than 255");
        assert_eq!(refused("<script>"), "Validation error: name is malformed");
        assert_eq!(refused("a\u{0}b"), "Validation error: name must not contain control characters");
        assert_eq!(refused("a\u{7f}"), "Validation error: name must not contain control characters");
        for name in ["D 1/ü", "a%b", "a;b", "\\", "<1", "a<", "😀", &"ü".repeat(255)] {
            assert!(read(&json!({"name": name})).is_ok(), "{name}");
        }
    }

    #[test]
    fn wrong_types_are_refused() {
        for value in [
            json!({"name": {"a": 1}}),
            json!({"name": "D", "id": "rubbish"}),
            json!({"name": "D", "additionalInfo": []}),
            json!({"name": "D", "version": "one"}),
        ] {
            assert!(read(&value).unwrap_err().starts_with("JSON parse error"), "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(name in ".{0,300}") {
            let _ = read(&json!({"name": name}));
        }
    }
}
