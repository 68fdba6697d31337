//! Identifiers as types of their own, so that a customer's id cannot stand where a device's is meant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_newtype {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

uuid_newtype! {
    /// A device, and the name of its event stream.
    DeviceId;
    /// A manufacturer or integrator; everything belongs to exactly one.
    TenantId;
    /// An organisation or household that can own devices.
    CustomerId;
    /// A person who signs in.
    UserId;
    /// One claim key of one device. Says nothing about the key's text.
    KeyId;
    /// A device profile.
    ProfileId;
    /// A record of device credentials.
    CredentialsId;
    /// A key with which programs act for a user.
    ApiKeyId;
    /// One login; every token of it carries this id.
    SessionId;
    /// One session of a device over MQTT. Of two, on whichever nodes, the later one's is greater.
    DeviceSessionId;
}

/// Names a command, so that sending it twice appends once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub Uuid);

impl CommandId {
    /// Whether a caller may name a command so: 1 to 255 visible ASCII characters.
    pub fn is_key(text: &str) -> bool {
        (1..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
    }

    /// The id of the command that `caller` sent as `operation` with its own idempotency key. The same three give the
    /// same id; another caller's key never collides with it.
    pub fn derive(caller: &str, operation: &str, key: &str) -> Self {
        let caller = Uuid::new_v5(&Uuid::NAMESPACE_URL, caller.as_bytes());
        let operation = Uuid::new_v5(&caller, operation.as_bytes());
        Self(Uuid::new_v5(&operation, key.as_bytes()))
    }
}

impl KeyId {
    /// The key that the named command adds: the same for the same command.
    pub fn of_command(command_id: CommandId) -> Self {
        Self(Uuid::new_v5(&command_id.0, b"claim key"))
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandId({})", self.0)
    }
}

impl FromStr for CommandId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// An event's place in the whole log: 1, 2, 3 … without gaps. 0 stands before the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

/// An event's place in its device's stream: 1, 2, 3 … without gaps. 0 stands for an empty stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

macro_rules! counter {
    ($($name:ident),+) => {$(
        impl $name {
            /// The place after this one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

counter!(Position, Sequence);

/// Which ownership of a device: 1 for the first owner it ever had, one more for each that follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u32);
