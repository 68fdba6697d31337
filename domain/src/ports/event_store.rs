//! The port through which every change goes.

use std::fmt;

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    device::{ClaimantCounts, Decision, Device, DeviceEvent, Refusal},
    ids::{CommandId, CustomerId, DeviceId, Position, ProfileId, Sequence, TenantId},
    metadata::Metadata,
    ports::{AttributeScope, DeviceCredentials, Entity, Profile},
    time::Timestamp,
};

/// Appends what commands decide.
///
/// Commands that come at the same time share a transaction (group commit). Within it they are carried out one after
/// another: each is decided on the state that the ones before it left, its unique claims are checked, then its events,
/// read-model rows, counts and registry writes are written. An append is answered only when the transaction is
/// durable. The store calls the decide function and decides nothing itself.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Carries out one command. It is behind all others of this node that are under way from its first step on, which is when
    /// what this gives is polled for the first time.
    ///
    /// # Errors
    /// [`AppendError`] if nothing was written. A refusal is not an error: it stands in [`Appended::result`], and may
    /// have left events.
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// The device as its events make it, and the sequence of the last one.
    ///
    /// # Errors
    /// [`StoreError`] if the stream cannot be read.
    async fn load(&self, device_id: DeviceId) -> Result<(Device, Sequence), StoreError>;

    /// Whether appends can succeed at present. Costs next to nothing while the last one did; after a failure it tries a
    /// write.
    ///
    /// # Errors
    /// [`StoreError`] says why they cannot.
    async fn check_writable(&self) -> Result<(), StoreError>;
}

/// One command, as the store sees it.
pub struct Append {
    /// The device.
    pub target: Target,
    /// The command's name.
    pub command: CommandName,
    /// What is recorded beside each event, without the command's id.
    pub metadata: Metadata,
    /// Which counts the decision asks for.
    pub counted: Counted,
    /// Called with the device as it is then, once or, after a conflict between nodes, again.
    pub decide: Decide,
    /// Written in the same transaction if the command is carried out.
    pub registry: Vec<RegistryWrite>,
    /// Must hold before anything is written; see [`AppendError::Taken`].
    pub unique: Vec<UniqueClaim>,
    /// Must not be being deleted, or nothing is decided; see [`AppendError::Gone`].
    pub parties: Vec<Party>,
}

/// Which device a command is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The one of that id; it need not exist yet.
    Device(DeviceId),
    /// The one that bears that name in the tenant when the command's turn comes. If there is none, the answer is
    /// [`Refusal::DeviceNotFound`] and nothing is decided.
    Named(TenantId, String),
}

/// How a command is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandName {
    /// Named by the caller, and carried out once: sent again, it gets the answer that it got, for a day.
    Once(CommandId),
    /// Nobody can send it again.
    Fresh(CommandId),
}

impl CommandName {
    /// The id, recorded beside the events.
    pub const fn id(self) -> CommandId {
        match self {
            Self::Once(id) | Self::Fresh(id) => id,
        }
    }
}

/// Which counts the store reads before it calls the decide function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counted {
    /// None.
    Nothing,
    /// Refusals on the device that have no event of their own.
    Refusals,
    /// Those, and the claimant's wrong keys over all devices.
    Claimant(CustomerId),
    /// What the device's own attributes take, with and without those of these keys, each named once.
    OwnAttributes(Vec<String>),
}

/// What the decide function is given.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The device's id.
    pub device_id: DeviceId,
    /// The device as it is.
    pub device: &'a Device,
    /// The time of the append: never before that of any recorded event.
    pub now: Timestamp,
    /// What [`Append::counted`] asked for.
    pub counts: &'a ClaimantCounts,
}

/// Decides; pure and quick, as it runs in the writer's transaction.
pub type Decide = Box<dyn Fn(Subject<'_>) -> Decision + Send + Sync>;

/// Whom a command gives a device to. Checked under the writer's lock: once a deletion is marked, no command that was
/// under way adds to what the deletion has to clear away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The tenant that gets a new device.
    Tenant(TenantId),
    /// The customer that becomes the owner.
    Customer(CustomerId),
}

/// What must be the only one of its kind, or still be what the caller saw.
#[derive(Clone, PartialEq, Eq)]
pub enum UniqueClaim {
    /// No other device of the tenant bears that name.
    DeviceName(TenantId, String),
    /// No other device on the platform has credentials of that id.
    CredentialsId(String),
    /// The device's credentials are still of that version: nobody saved them in between.
    CredentialsVersion(u32),
    /// No other profile of the tenant bears that name.
    ProfileName(TenantId, String),
    /// The device is reached through this gateway or through none: no other gateway has it, as long as it is one.
    Gateway(DeviceId),
    /// The profile is still there and bears that name: nobody deleted or renamed it in between.
    ProfileAsSeen(ProfileId, String),
}

impl UniqueClaim {
    /// The stable code word for its being taken.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DeviceName(..) => "device_name_taken",
            Self::CredentialsId(_) => "credentials_taken",
            Self::CredentialsVersion(_) => "credentials_changed",
            Self::ProfileName(..) => "profile_name_taken",
            Self::Gateway(_) => "gateway_taken",
            Self::ProfileAsSeen(..) => "profile_changed",
        }
    }
}

/// A credentials id can be a device token, so no claim shows what it is about.
impl fmt::Debug for UniqueClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A write to the registry that belongs to a command. Times in it are those of the append.
#[derive(Clone, Debug, PartialEq)]
pub enum RegistryWrite {
    /// Puts a device's credentials in the place of those it had.
    PutCredentials(DeviceCredentials),
    /// Puts a device's `additionalInfo` in the place of the one it had; `None` is JSON null.
    PutAdditionalInfo(DeviceId, Option<Value>),
    /// Says that the first device is reached through the second, a gateway.
    PutGateway(DeviceId, DeviceId),
    /// Adds a profile.
    PutProfile(Profile),
    /// Adds attributes or replaces those of the same key.
    PutAttributes(Entity, AttributeScope, Vec<(String, Value)>),
    /// Deletes attributes; those that are not there are no fault.
    DeleteAttributes(Entity, AttributeScope, Vec<String>),
    /// Deletes everything that the registry holds on a device, and that others are reached through it.
    EraseDevice(DeviceId),
}

/// How a command went.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The device.
    pub device_id: DeviceId,
    /// The device after the command, or as it is now if the command was a repeated one.
    pub device: Device,
    /// What was appended, in order; empty for a repeated command.
    pub events: Vec<DeviceEvent>,
    /// The position of the last appended event; the log's end if nothing was appended.
    pub position: Position,
    /// When; of a command that was sent again, when it was carried out.
    pub recorded_at: Timestamp,
    /// Whether the command was carried out.
    pub result: Result<(), Refusal>,
}

/// Why nothing was appended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else has what must be unique.
    #[error("already taken: {0:?}")]
    Taken(UniqueClaim),
    /// Who would get the device is being deleted, or is gone.
    #[error("being deleted: {0:?}")]
    Gone(Party),
    /// More commands wait than the store takes on. Nothing was written; the same command may be sent again.
    #[error("too many commands are waiting")]
    Overloaded,
    /// Other nodes kept changing the same device. Nothing was written.
    #[error("the device was changed by others too often")]
    Conflict,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store cannot answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is full, or is shutting down. Trying again may help.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The file or the server that holds it says that it is damaged.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// What it holds cannot be read.
    #[error("damaged data in table {table}, column {column}, row {row}: {why}")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong, without the value.
        why: String,
    },
}
