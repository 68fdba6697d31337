//! The one translation between a device and the use cases, whatever the device speaks.

mod attributes;
mod claim_payload;
mod claim_state;
mod gateway_message;
mod gateways;
mod message_text;
mod protobuf;
mod provisioning;
mod rpc;
mod telemetry;
mod waiting;

use std::{borrow::Cow, sync::Arc};

use deed_domain::{
    claims::{Claims, Failure, IssuedKey},
    device::Refusal,
    gateways::Gateways,
    ids::{CommandId, DeviceId, TenantId},
    metadata::{Actor, Caller, Transport},
    ports::{
        AppendError, Attributes, Clock, Credentials, DeviceIdentity, DeviceToken, EventStore, Feed, Payloads, Profiles,
        RateLimiter, TooMany,
    },
    provisioning::Provisioning,
    rate_limit::RateLimit,
};
use serde_json::Value;

pub(crate) use attributes::{CLAIMING, difference};
pub use attributes::{DeviceAttributes, NotPublished, SharedAttributes, Wanted};
pub use claim_payload::{ClaimPayload, MAX_CLAIM_PAYLOAD, PayloadError, parse, read};
pub use claim_state::{ClaimState, ClaimStateKind};
pub use gateway_message::{
    DeviceClaim, GatewayConnect, GatewayMessageError, read_claims, read_connect, read_disconnect,
};
pub use gateways::{DeviceNotRegistered, DevicesNotRegistered, GatewayError, GatewayFault, WhyNot};
pub use message_text::MessageError;
pub use provisioning::{
    MAX_PROVISION_REQUEST, NotAnswered, ProvisionReply, ProvisionRequestError, ProvisionStatus, read_provision_request,
};
pub use rpc::answer;
pub use telemetry::check_telemetry;
pub use waiting::Waiting;

/// Answers devices, over the ports that this takes.
#[derive(Clone)]
pub struct DeviceProtocol {
    /// The use cases.
    pub claims: Claims,
    /// The use cases of gateways.
    pub gateways: Gateways,
    /// The use case of devices that add themselves.
    pub provisioning: Provisioning,
    /// Who a device is.
    pub credentials: Arc<dyn Credentials>,
    /// What is stored of attributes.
    pub attributes: Arc<dyn Attributes>,
    /// How devices write their messages.
    pub profiles: Arc<dyn Profiles>,
    /// Whether an attribute's text that looks like a number is stored as one.
    pub numeric_text_is_number: bool,
    /// Most bytes that a device's own attributes may have, in keys and in values as JSON.
    pub most_attribute_bytes: u64,
    /// How it stands with a device.
    pub store: Arc<dyn EventStore>,
    /// What happens to it.
    pub feed: Arc<dyn Feed>,
    /// Devices that wait for what is not in the log.
    pub waiting: Arc<Waiting>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How many messages a device may send; `None` if that is not limited.
    pub message_limit: Option<MessageLimit>,
}

/// How many messages a device may send.
#[derive(Clone)]
pub struct MessageLimit {
    /// The limit.
    pub limit: RateLimit,
    /// What counts against it.
    pub limiter: Arc<dyn RateLimiter<DeviceId>>,
}

/// Why no key was registered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotRegistered {
    /// The payload is not understood.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The rules say no, or the store cannot answer.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl DeviceProtocol {
    /// The device whose token this is.
    ///
    /// # Errors
    /// [`Failure::NotAppended`] if the registry cannot be read.
    pub async fn identify(&self, token: &DeviceToken) -> Result<Option<DeviceIdentity>, Failure> {
        Ok(self.credentials.by_access_token(token).await.map_err(AppendError::from)?)
    }

    /// The tenant's device of that name.
    ///
    /// # Errors
    /// [`Failure::NotAppended`] if the registry cannot be read.
    pub async fn identify_named(&self, tenant_id: TenantId, name: &str) -> Result<Option<DeviceIdentity>, Failure> {
        Ok(self.gateways.device_named(tenant_id, name).await.map_err(AppendError::from)?)
    }

    /// How the device writes its messages, by its profile at that moment. HTTP does not ask: there it is JSON.
    ///
    /// # Errors
    /// [`Failure::NotAppended`] if the registry cannot be read.
    pub async fn payloads(&self, device: DeviceIdentity) -> Result<Payloads, Failure> {
        Ok(self.profiles.payloads_of(device.device_id).await.map_err(AppendError::from)?)
    }

    /// Counts a message of the device.
    ///
    /// # Errors
    /// [`TooMany`] if it is one more than the device may send.
    pub fn admit(&self, device: DeviceIdentity) -> Result<(), TooMany> {
        let Some(MessageLimit { limiter, .. }) = &self.message_limit else { return Ok(()) };
        limiter
            .admit(&device.device_id)
            .inspect_err(|_| metrics::counter!("deed_rate_limited_total", "limit" => "device").increment(1))
    }

    /// The answer to what a device asks of the service, see [`answer`].
    ///
    /// # Errors
    /// [`MessageError`] if it is no request.
    pub fn answer(&self, message: &[u8], max_payload: usize) -> Result<Value, MessageError> {
        answer(message, max_payload, self.message_limit.as_ref().map(|limit| &limit.limit))
    }

    /// Registers the claim key that a payload carries, which [`parse`] or [`read`] made of what the device sent; answered
    /// when it is durable. With an idempotency key
    /// ([`CommandId::is_key`]), a device that sends it again registers nothing anew.
    ///
    /// # Errors
    /// [`NotRegistered`]; nothing became active then.
    pub async fn register_claim(
        &self,
        device: DeviceIdentity,
        transport: Transport,
        correlation_id: Cow<'static, str>,
        idempotency_key: Option<&str>,
        payload: Result<ClaimPayload, PayloadError>,
    ) -> Result<IssuedKey, NotRegistered> {
        let registered = self.try_to_register(device, transport, correlation_id, idempotency_key, payload).await;
        count_registration(
            transport,
            match &registered {
                Ok(_) => "registered",
                Err(not) => not.outcome(),
            },
        );
        registered
    }

    async fn try_to_register(
        &self,
        device: DeviceIdentity,
        transport: Transport,
        correlation_id: Cow<'static, str>,
        idempotency_key: Option<&str>,
        payload: Result<ClaimPayload, PayloadError>,
    ) -> Result<IssuedKey, NotRegistered> {
        let ClaimPayload { key, duration_ms } = payload?;
        let actor = Actor::Device(device.device_id);
        let command_id = idempotency_key.map(|key| CommandId::derive(&actor.to_string(), "claim", key));
        let caller = Caller { actor, transport, correlation_id, command_id };
        Ok(self.claims.issue_from_device(&caller, device, key, duration_ms).await?)
    }
}

impl NotRegistered {
    /// Whether the device did everything right and the rules still say no.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Failed(Failure::Refused(Refusal::ClaimingNotAllowed | Refusal::AlreadyClaimed)))
    }

    const fn outcome(&self) -> &'static str {
        match self {
            Self::Payload(_) => "malformed",
            Self::Failed(Failure::Refused(refusal)) => refusal.code(),
            Self::Failed(Failure::NotAppended(_)) => "not_stored",
        }
    }
}

/// Counts a registration that ended, also one that ended before it reached [`DeviceProtocol::register_claim`].
pub(crate) fn count_registration(transport: Transport, outcome: &'static str) {
    metrics::counter!("deed_registrations_total", "transport" => transport.as_str(), "outcome" => outcome).increment(1);
}
