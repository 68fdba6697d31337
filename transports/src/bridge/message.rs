//! One message of the broker, carried out.

use std::{borrow::Cow, time::Duration};

use deed_domain::{
    claims::Failure,
    device::Refusal,
    ids::TenantId,
    metadata::Transport,
    ports::{AppendError, DeviceIdentity, DeviceToken, StoreError},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::pattern::{DeviceLevel, TopicPattern};
use crate::device_protocol::{DeviceProtocol, MAX_CLAIM_PAYLOAD, NotRegistered, count_registration, read};

/// How long a message waits that could not be stored, at first and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];

/// What the devices of a broker are taken for.
pub(super) struct Devices {
    pub(super) protocol: DeviceProtocol,
    pub(super) topic: TopicPattern,
    pub(super) tenant_id: TenantId,
}

/// Why no key was registered.
enum NotDone {
    /// It never will be.
    Refused { code: &'static str, why: Cow<'static, str> },
    /// It may be, later.
    NotStored,
}

impl Devices {
    /// Registers the key that the message carries, as often as it takes until it is stored or refused; gives what its sender
    /// may be told. There is no answer to a topic that is not the configured one.
    pub(super) async fn register(&self, topic: &str, payload: &[u8], correlation: &str) -> Option<(String, Value)> {
        let device = self.topic.device(topic)?;
        let [mut pause, longest] = PAUSES;
        loop {
            match self.try_to_register(device, payload, correlation).await {
                Ok(expires_at) => {
                    return Some((device.to_owned(), json!({"status": "registered", "expiresAt": expires_at})));
                }
                Err(NotDone::Refused { code, why }) => {
                    return Some((device.to_owned(), json!({"status": "refused", "code": code, "message": why})));
                }
                Err(NotDone::NotStored) => {
                    tracing::warn!("a message of the broker could not be stored; trying again");
                    sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
            }
        }
    }

    async fn try_to_register(&self, device: &str, payload: &[u8], correlation: &str) -> Result<i64, NotDone> {
        let refused = |code, why| NotDone::Refused { code, why: Cow::Borrowed(why) };
        let early = |code, why| {
            count_registration(Transport::Bridge, code);
            refused(code, why)
        };
        let Some(device) = self.identify(device).await.map_err(not_stored)? else {
            return Err(early("unknown_device", "there is no such device"));
        };
        if self.protocol.admit(device).is_err() {
            return Err(early("too_many_requests", "the device has sent as much as it may"));
        }
        if payload.len() > MAX_CLAIM_PAYLOAD {
            return Err(early("too_large", "the message is larger than a claim may be"));
        }
        let encoding = self.protocol.payloads(device).await.map_err(not_stored)?.encoding;
        let payload = read(encoding, payload);
        let correlation = Cow::Owned(correlation.to_owned());
        match self.protocol.register_claim(device, Transport::Bridge, correlation, None, payload).await {
            Ok(issued) => Ok(issued.expires_at.0),
            Err(NotRegistered::Payload(error)) => {
                Err(NotDone::Refused { code: "malformed", why: Cow::Owned(error.to_string()) })
            }
            Err(NotRegistered::Failed(Failure::Refused(Refusal::DeviceNotFound))) => {
                Err(refused("unknown_device", "there is no such device"))
            }
            Err(NotRegistered::Failed(Failure::Refused(refusal))) => {
                Err(NotDone::Refused { code: refusal.code(), why: Cow::Owned(refusal.to_string()) })
            }
            Err(NotRegistered::Failed(failure @ Failure::NotAppended(_))) => Err(not_stored(failure)),
        }
    }

    async fn identify(&self, device: &str) -> Result<Option<DeviceIdentity>, Failure> {
        match self.topic.level() {
            DeviceLevel::Name => self.protocol.identify_named(self.tenant_id, device).await,
            DeviceLevel::Token => self.protocol.identify(&DeviceToken::new(device)).await,
        }
    }
}

/// What cannot be stored now can be later, unless what is stored of the device is damaged: then the others go on.
fn not_stored(failure: Failure) -> NotDone {
    match failure {
        Failure::NotAppended(AppendError::Store(error @ (StoreError::Damaged { .. } | StoreError::Corrupt(_)))) => {
            tracing::error!(%error, "a message of the broker is refused; run `deed check`");
            NotDone::Refused { code: "damaged", why: Cow::Borrowed("what is stored of the device is damaged") }
        }
        _ => NotDone::NotStored,
    }
}
