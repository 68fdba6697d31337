//! A store as a whole, whatever holds it.

use std::sync::Arc;

use async_trait::async_trait;
use deed_domain::{
    claim_key::PepperId,
    ports::{
        Accounts, Attributes, Clock, Credentials, DeviceWatch, EventStore, Feed, GatewayDevices, Holdings, Leases,
        Profiles, StoreError,
    },
};
use deed_projections::ReadModels;

pub use crate::check::CheckReport;
use crate::secrets::PepperCheck;

/// All ports that a store implements.
pub trait Ports:
    EventStore
    + Feed
    + ReadModels
    + Accounts
    + Credentials
    + Attributes
    + Profiles
    + Holdings
    + GatewayDevices
    + Leases
    + DeviceWatch
{
}

impl<T> Ports for T where
    T: EventStore
        + Feed
        + ReadModels
        + Accounts
        + Credentials
        + Attributes
        + Profiles
        + Holdings
        + GatewayDevices
        + Leases
        + DeviceWatch
{
}

/// The names of the read models, as [`Store::rebuild`] takes them.
pub const READ_MODELS: [&str; 4] = ["device_list", "ownership", "active_keys", "claim_history"];

/// How much of how much is done.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// What a service keeps everything in, and how it is looked after.
#[async_trait]
pub trait Store: Ports {
    /// What the service goes by as the time.
    fn time(&self) -> Arc<dyn Clock>;

    /// The peppers that are not as the store knows them; the first one of them is what new keys are digested with. One that is
    /// seen for the first time is known from here on. Where nodes share the store, nothing is remembered of a node that has an
    /// odd one.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written.
    async fn odd_peppers(&self, checks: Vec<PepperCheck>) -> Result<Vec<OddPepper>, StoreError>;

    /// Knows no pepper of that id any more: the next one is as good as any. Whether there was one.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written.
    async fn forget_pepper(&self, id: &PepperId) -> Result<bool, StoreError>;

    /// How many commands wait for the writer.
    fn queue_length(&self) -> usize;

    /// How many events each read model is behind the log: none, as they are written with the events.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn projection_lags(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// Rebuilds the read model of that name, in one transaction: who reads sees the old one or the new one, never half.
    ///
    /// # Errors
    /// [`RebuildError`], also if events are missing from the log: what the read model still knows of them would be lost.
    /// Nothing has changed then.
    async fn rebuild(&self, name: &str, progress: Progress<'_>) -> Result<(), RebuildError>;

    /// Checks that positions have no gaps and times never go back, that sequences are contiguous, that every event decodes
    /// and can follow those before it, and that each read model equals a rebuild. Reads one moment and changes nothing, so
    /// it may run beside a server.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read at all.
    async fn check(&self, progress: Progress<'_>) -> Result<CheckReport, StoreError>;

    /// Finishes what has been accepted, makes it durable, and stops writing. What comes later is told that the store is
    /// closed.
    async fn close(&self);
}

/// A pepper that is not as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OddPepper {
    /// It is another one than was used under this id before.
    Changed(PepperId),
    /// New keys would be digested with it, and the other nodes that share the store do not have it.
    Unknown(PepperId),
}

/// Why a read model was not rebuilt. The old one stands.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// There is no read model of that name.
    #[error("there is no read model called `{0}`")]
    Unknown(String),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(StoreError),
}
