//! A device's own attributes, and those that people share with it. It never sees the ones of the server.

use std::{borrow::Cow, collections::BTreeMap, pin::pin, time::Duration};

use deed_domain::{
    attributes::{self, InvalidAttributes},
    claims::Failure,
    metadata::{Actor, Caller, Transport},
    ports::{AppendError, Attribute, AttributeScope, DeviceIdentity, Entity},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::DeviceProtocol;

/// However little is told, it is looked this often whether a shared attribute has changed, while a device waits for that.
const LOOK: Duration = Duration::from_secs(10);

/// The name under which a device is told how it stands with claiming it.
pub(crate) const CLAIMING: &str = "claiming";

/// Which attributes a device asks for; without any name, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Keys of its own.
    pub client: Vec<String>,
    /// Keys of those that people share with it.
    pub shared: Vec<String>,
}

/// A device's attributes; a scope without any is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DeviceAttributes {
    /// Its own.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub client: Map<String, Value>,
    /// Those that people share with it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub shared: Map<String, Value>,
}

/// Why a device's attributes were not stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotPublished {
    /// They cannot be.
    #[error(transparent)]
    Invalid(#[from] InvalidAttributes),
    /// The device is gone, or the store cannot answer.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// The attributes that people share with a device, by key.
pub type SharedAttributes = BTreeMap<String, Attribute>;

impl DeviceProtocol {
    /// Stores attributes of the device's own.
    ///
    /// # Errors
    /// [`NotPublished`]; none of them was stored then.
    pub async fn publish_attributes(
        &self,
        device: DeviceIdentity,
        transport: Transport,
        correlation_id: Cow<'static, str>,
        message: &[u8],
    ) -> Result<(), NotPublished> {
        let read = attributes::read(message)?;
        if read.is_empty() {
            return Ok(());
        }
        let numeric = self.numeric_text_is_number;
        let put = read.into_iter().map(|(key, written)| (key, written.into_stored(numeric))).collect();
        let actor = Actor::Device(device.device_id);
        let caller = Caller { actor, transport, correlation_id, command_id: None };
        Ok(self.claims.write_own_attributes(&caller, device, put, self.most_attribute_bytes).await?)
    }

    /// The attributes that the device asks for, as far as they are there. Asked by its name for [`CLAIMING`], it is told how
    /// it stands, as who waits for changes is, unless somebody shares an attribute of that name with it.
    ///
    /// # Errors
    /// [`Failure::NotAppended`] if they cannot be read; [`deed_domain::device::Refusal::DeviceNotFound`] if the device was
    /// deleted meanwhile.
    pub async fn attributes(&self, device: DeviceIdentity, wanted: &Wanted) -> Result<DeviceAttributes, Failure> {
        let of = Entity::Device(device.device_id);
        let stored = self.attributes.of(of, None).await.map_err(AppendError::from)?;
        let all = wanted.client.is_empty() && wanted.shared.is_empty();
        let mut found = DeviceAttributes::default();
        for Attribute { key, scope, value, .. } in stored {
            let (keys, into) = match scope {
                AttributeScope::Client => (&wanted.client, &mut found.client),
                AttributeScope::Shared => (&wanted.shared, &mut found.shared),
                AttributeScope::Server => continue,
            };
            if all || keys.contains(&key) {
                into.insert(key, value);
            }
        }
        if wanted.shared.iter().any(|key| key == CLAIMING) && !found.shared.contains_key(CLAIMING) {
            found.shared.insert(CLAIMING.to_owned(), json!(self.claim_state(device).await?));
        }
        Ok(found)
    }

    /// The shared attributes that change from now on, as soon as one does; `None` if none does within the patience. Each
    /// changed one stands under its key, deleted ones in a list under `deleted`.
    ///
    /// # Errors
    /// [`Failure::NotAppended`] if they cannot be read.
    pub async fn shared_attributes_changed(
        &self,
        device: DeviceIdentity,
        patience: Duration,
    ) -> Result<Option<Map<String, Value>>, Failure> {
        let waiter = self.waiting.enter(device.device_id);
        let mut written = pin!(waiter.written());
        let before = self.shared_attributes(device).await?;
        let changed = async {
            loop {
                // Told or not.
                let _ = timeout(LOOK, &mut written).await;
                written.set(waiter.written());
                let now = self.shared_attributes(device).await?;
                if now != before {
                    return Ok(Some(difference(&before, &now)));
                }
            }
        };
        timeout(patience, changed).await.unwrap_or(Ok(None))
    }

    /// The attributes that people share with the device.
    ///
    /// # Errors
    /// [`Failure::NotAppended`] if they cannot be read.
    pub async fn shared_attributes(&self, device: DeviceIdentity) -> Result<SharedAttributes, Failure> {
        let of = Entity::Device(device.device_id);
        let stored = self.attributes.of(of, Some(AttributeScope::Shared)).await.map_err(AppendError::from)?;
        Ok(stored.into_iter().map(|attribute| (attribute.key.clone(), attribute)).collect())
    }
}

/// What of them changed: each under its key, deleted ones in a list under `deleted`.
pub(crate) fn difference(before: &SharedAttributes, now: &SharedAttributes) -> Map<String, Value> {
    let deleted: Vec<_> = before.keys().filter(|key| !now.contains_key(*key)).cloned().map(Value::from).collect();
    let changed = now.iter().filter(|(key, attribute)| before.get(*key) != Some(*attribute));
    let mut told: Map<_, _> = changed.map(|(key, attribute)| (key.clone(), attribute.value.clone())).collect();
    if !deleted.is_empty() {
        told.insert("deleted".into(), deleted.into());
    }
    told
}

#[cfg(test)]
mod tests {
    use deed_domain::time::Timestamp;

    use super::*;

    fn shared(all: &[(&str, i64, i64)]) -> SharedAttributes {
        let attribute = |(key, value, at): &(&str, i64, i64)| Attribute {
            key: (*key).to_owned(),
            scope: AttributeScope::Shared,
            value: json!(value),
            last_update: Timestamp(*at),
        };
        all.iter().map(|one| (one.0.to_owned(), attribute(one))).collect()
    }

    #[test]
    fn what_changed_is_told_and_nothing_else() {
        let before = shared(&[("a", 1, 1), ("b", 1, 1), ("c", 1, 1)]);
        let now = shared(&[("a", 2, 2), ("b", 1, 1), ("c", 1, 2), ("d", 4, 2)]);
        assert_eq!(Value::from(difference(&before, &now)), json!({"a": 2, "c": 1, "d": 4}), "written anew is changed");
        let now = shared(&[("b", 1, 1), ("c", 1, 1)]);
        assert_eq!(Value::from(difference(&before, &now)), json!({"deleted": ["a"]}));
    }

    #[test]
    fn a_scope_without_attributes_is_left_out() {
        assert_eq!(serde_json::to_string(&DeviceAttributes::default()).unwrap(), "{}");
        let client = Map::from_iter([("k".to_owned(), json!(1))]);
        let one = DeviceAttributes { client, ..DeviceAttributes::default() };
        assert_eq!(serde_json::to_string(&one).unwrap(), r#"{"client":{"k":1}}"#);
    }
}
