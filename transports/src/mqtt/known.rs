//! What a client knows of its device that waits for changes.

use deed_domain::{claims::Failure, ports::DeviceIdentity};
use serde_json::{Value, json};

use crate::device_protocol::{CLAIMING, ClaimState, DeviceProtocol, SharedAttributes, difference};

/// What a client knows of its device.
pub(super) struct Known {
    claiming: ClaimState,
    shared: SharedAttributes,
}

impl Known {
    /// How it stands now.
    ///
    /// # Errors
    /// [`Failure`] if the device is gone, or the store cannot answer.
    pub(super) async fn read(protocol: &DeviceProtocol, device: DeviceIdentity) -> Result<Self, Failure> {
        Ok(Self { claiming: protocol.claim_state(device).await?, shared: protocol.shared_attributes(device).await? })
    }

    /// The messages that tell what is otherwise than before.
    pub(super) fn news(&self, before: &Self) -> Vec<String> {
        let claiming = (before.claiming != self.claiming).then(|| json!({ CLAIMING: self.claiming }).to_string());
        let changed = difference(&before.shared, &self.shared);
        let shared = (!changed.is_empty()).then(|| Value::from(changed).to_string());
        claiming.into_iter().chain(shared).collect()
    }
}
