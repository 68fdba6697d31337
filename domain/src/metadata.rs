//! What is recorded beside an event: who acted, over what, in which request. Ids only; nothing personal.

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ids::{CommandId, DeviceId, TenantId, UserId};

/// Who caused an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A signed-in person.
    User(UserId),
    /// The device itself.
    Device(DeviceId),
    /// A gateway, for a device behind it.
    Gateway(DeviceId),
    /// The service: the expiry worker, the command line.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Device(id) => write!(f, "device:{id}"),
            Self::Gateway(id) => write!(f, "gateway:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}

/// The text is not an actor that this version writes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an actor")]
pub struct UnknownActor;

impl FromStr for Actor {
    type Err = UnknownActor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "system" {
            return Ok(Self::System);
        }
        let (kind, id) = text.split_once(':').ok_or(UnknownActor)?;
        let id = id.parse().map_err(|_| UnknownActor)?;
        match kind {
            "user" => Ok(Self::User(UserId(id))),
            "device" => Ok(Self::Device(DeviceId(id))),
            "gateway" => Ok(Self::Gateway(DeviceId(id))),
            _ => Err(UnknownActor),
        }
    }
}

/// The way in which a command came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// The REST API.
    Rest,
    /// The device API over HTTP.
    Http,
    /// The device API over MQTT.
    Mqtt,
    /// The device API over CoAP.
    Coap,
    /// A broker that devices send to.
    Bridge,
    /// The command line.
    Cli,
    /// From within: the expiry worker.
    Internal,
}

impl Transport {
    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Http => "http",
            Self::Mqtt => "mqtt",
            Self::Coap => "coap",
            Self::Bridge => "bridge",
            Self::Cli => "cli",
            Self::Internal => "internal",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Rest, Self::Http, Self::Mqtt, Self::Coap, Self::Bridge, Self::Cli, Self::Internal]
            .into_iter()
            .find(|transport| transport.as_str() == text)
    }
}

/// What is recorded beside every event of one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Who caused the event.
    pub actor: Actor,
    /// Over what the command came.
    pub transport: Transport,
    /// The request that the event belongs to; also in the log lines of that request.
    pub correlation_id: Cow<'static, str>,
    /// The command that the event answers.
    pub command_id: CommandId,
    /// The tenant of the device.
    pub tenant_id: TenantId,
}

/// Stored metadata that this version cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metadata member `{0}` is missing or unreadable")]
pub struct UnreadableMetadata(pub &'static str);

impl Metadata {
    /// The flat map of strings that cqrs-es tools expect, as JSON text.
    pub fn to_json(&self) -> String {
        // Written by hand: every value but the correlation id is known to need no escaping.
        format!(
            r#"{{"actor":"{}","transport":"{}","correlationId":{},"commandId":"{}","tenantId":"{}"}}"#,
            self.actor,
            self.transport.as_str(),
            serde_json::Value::from(self.correlation_id.as_ref()),
            self.command_id,
            self.tenant_id
        )
    }

    /// Reads what [`Metadata::to_json`] wrote; members it does not know are ignored.
    ///
    /// # Errors
    /// [`UnreadableMetadata`] names the member that is missing or cannot be read.
    pub fn from_json(text: &str) -> Result<Self, UnreadableMetadata> {
        let map: BTreeMap<Cow<'_, str>, Cow<'_, str>> =
            serde_json::from_str(text).map_err(|_| UnreadableMetadata("(map)"))?;
        let member = |name: &'static str| map.get(name).ok_or(UnreadableMetadata(name));
        Ok(Self {
            actor: member("actor")?.parse().map_err(|_| UnreadableMetadata("actor"))?,
            transport: Transport::parse(member("transport")?).ok_or(UnreadableMetadata("transport"))?,
            correlation_id: member("correlationId")?.to_string().into(),
            command_id: member("commandId")?.parse().map_err(|_| UnreadableMetadata("commandId"))?,
            tenant_id: member("tenantId")?.parse().map_err(|_| UnreadableMetadata("tenantId"))?,
        })
    }
}

/// The caller of a use case: what becomes [`Metadata`] once the command's tenant is known.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who acts.
    pub actor: Actor,
    /// Over what.
    pub transport: Transport,
    /// The request that this belongs to.
    pub correlation_id: Cow<'static, str>,
    /// The command's id where the caller named it; such a command is carried out once.
    pub command_id: Option<CommandId>,
}
