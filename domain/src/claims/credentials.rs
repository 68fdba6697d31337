//! What a device authenticates with: made, recorded, replaced.

use super::{Claims, Failure, Request};
use crate::{
    credentials::NewCredentials,
    ids::CredentialsId,
    metadata::Caller,
    ports::{Appended, DeviceCredentials, DeviceIdentity, DeviceToken, Target, UniqueClaim},
};

/// Characters of an access token or a name that the service makes.
const TOKEN_LENGTH: usize = 20;

impl Claims {
    /// Puts credentials in the place of those that the device has. They are no event: the registry alone knows them.
    ///
    /// # Errors
    /// [`crate::device::Refusal::DeviceNotFound`]; [`crate::ports::AppendError::Taken`] if another device has them, or
    /// if those that it has are not of `expected_version` any more.
    pub async fn replace_credentials(
        &self,
        caller: &Caller,
        device: DeviceIdentity,
        new: &NewCredentials,
        expected_version: Option<u32>,
    ) -> Result<Appended, Failure> {
        let mut request = Request::to(device.tenant_id, Target::Device(device.device_id));
        request.unique.extend(expected_version.map(UniqueClaim::CredentialsVersion));
        request.put_credentials(self.record(device, new));
        self.append(caller, request, |_| Vec::new()).await
    }

    /// The record of a device's first credentials. Put in the place of others, it takes over their id, age and version.
    pub(super) fn record(&self, device: DeviceIdentity, new: &NewCredentials) -> DeviceCredentials {
        let now = self.clock.now();
        DeviceCredentials {
            id: CredentialsId(self.entropy.new_id(now)),
            device_id: device.device_id,
            tenant_id: device.tenant_id,
            created_at: now,
            kind: new.kind(),
            credentials_id: new.id().clone(),
            credentials_value: new.value().cloned(),
            version: 1,
        }
    }

    /// A token that nobody can guess.
    pub fn make_token(&self) -> NewCredentials {
        NewCredentials::made_token(DeviceToken::new(self.random_text()))
    }

    /// A name that no device has.
    pub(crate) fn make_name(&self) -> String {
        self.random_text()
    }

    fn random_text(&self) -> String {
        const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut text = String::with_capacity(TOKEN_LENGTH);
        while text.len() < TOKEN_LENGTH {
            let mut byte = [0];
            self.entropy.fill(&mut byte);
            // The bytes that 62 does not divide evenly are drawn again.
            if byte[0] < 248 {
                text.push(char::from(LETTERS[usize::from(byte[0] % 62)]));
            }
        }
        text
    }
}
