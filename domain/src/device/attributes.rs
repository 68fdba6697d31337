//! The claiming attributes as they read back: derived from the device, stored nowhere (`docs/protocol.md`, attributes).

use serde_json::{Value, json};

use crate::{
    device::{event::KeySlot, state::Registered},
    time::Timestamp,
};

/// The server attribute that lets a device register keys.
pub const CLAIMING_ALLOWED: &str = "claimingAllowed";
/// The server attribute that holds a server-side key.
pub const CLAIMING_DATA: &str = "claimingData";
/// The server attribute that shows when the device-side key expires.
pub const EXPIRATION_TIME: &str = "expirationTime";
/// The server attributes that are commands when written by a tenant's administrator.
pub const CLAIMING_ATTRIBUTES: [&str; 2] = [CLAIMING_ALLOWED, CLAIMING_DATA];
/// What stands where a secret would.
pub const MASKED: &str = "***";

/// A claiming attribute as it reads back.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimingAttribute {
    /// Its name.
    pub key: &'static str,
    /// Its value, secrets masked.
    pub value: Value,
    /// When it was last set.
    pub last_update: Timestamp,
}

impl Registered {
    /// The server attributes that follow from the device's events: `claimingAllowed`, `claimingData` with its secret
    /// masked, and `expirationTime` while a device-side key stands.
    pub fn claiming_attributes(&self) -> Vec<ClaimingAttribute> {
        let switch = self.switch.map(|switch| ClaimingAttribute {
            key: CLAIMING_ALLOWED,
            value: Value::Bool(switch.allowed),
            last_update: switch.at,
        });
        let data = self.attribute.map(|slot| ClaimingAttribute {
            key: CLAIMING_DATA,
            value: match slot.content {
                None => MASKED.into(),
                Some((form, expires_at)) => {
                    let object = json!({ "secretKey": MASKED, "expirationTime": expires_at.0 });
                    if form == KeySlot::AttributeObject { object } else { object.to_string().into() }
                }
            },
            last_update: slot.at,
        });
        let expiration = self.device_key().map(|key| ClaimingAttribute {
            key: EXPIRATION_TIME,
            value: key.expires_at.0.into(),
            last_update: key.issued_at,
        });
        [switch, data, expiration].into_iter().flatten().collect()
    }
}
