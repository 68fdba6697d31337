//! The keys that claim a device.

use async_trait::async_trait;
use deed_domain::{
    claim_key::PepperId,
    device::{DeviceEvent, KeyOrigin, KeySlot},
    ids::{DeviceId, KeyId, TenantId},
    ports::StoreError,
    time::Timestamp,
};
use serde::Serialize;

use crate::projection::{Projection, Recorded};

/// The keys that claim a device, and when the next one runs out.
pub struct ActiveKeys;

/// A key that claims its device from `not_before` to `expires_at`. What is stored of its text stays in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveKeyRow {
    /// The key.
    pub key_id: KeyId,
    /// Its device.
    pub device_id: DeviceId,
    /// The device's tenant.
    pub tenant_id: TenantId,
    /// Who issued it.
    pub origin: KeyOrigin,
    /// The place it takes.
    pub slot: KeySlot,
    /// The pepper that it was digested with: without it the key is of no use.
    pub pepper: PepperId,
    /// Whether it is the empty key.
    pub empty: bool,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// It works from this time on.
    pub not_before: Option<Timestamp>,
    /// It works up to and including this millisecond.
    pub expires_at: Timestamp,
}

/// A change of the active keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActiveKeysChange {
    /// A key became active.
    Insert(ActiveKeyRow),
    /// A key is not active any more.
    Delete {
        /// Its device.
        device_id: DeviceId,
        /// The key.
        key_id: KeyId,
    },
}

/// A device with a key whose time has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueDevice {
    /// The device's tenant.
    pub tenant_id: TenantId,
    /// The device.
    pub device_id: DeviceId,
}

/// Asks for active keys.
#[async_trait]
pub trait ActiveKeysQuery: Send + Sync {
    /// A device's keys, oldest first. A key whose time ran out a moment ago may still be among them.
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn active_keys(&self, device_id: DeviceId) -> Result<Vec<ActiveKeyRow>, StoreError>;

    /// When the next key of any device runs out.
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn next_expiry(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Devices with a key that expired before `now`, at most `limit`, longest overdue first, each once. Of several nodes on
    /// one database, no two are given the same device within ten seconds: who takes one deals with it, or has died.
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn take_due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueDevice>, StoreError>;

    /// The peppers that keys of any device need, each once.
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn peppers(&self) -> Result<Vec<PepperId>, StoreError>;

    /// How many keys are active, over all tenants.
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn active_key_count(&self) -> Result<u64, StoreError>;
}

impl Projection for ActiveKeys {
    const NAME: &'static str = "active_keys";
    const VERSION: u32 = 2;
    type Change = ActiveKeysChange;

    fn project(event: &Recorded<'_>, changes: &mut Vec<ActiveKeysChange>) {
        match event.event {
            DeviceEvent::ClaimIssued { at, key_id, origin, slot, digest, empty, not_before, expires_at } => {
                changes.push(ActiveKeysChange::Insert(ActiveKeyRow {
                    key_id: *key_id,
                    device_id: event.device_id,
                    tenant_id: event.metadata.tenant_id,
                    origin: *origin,
                    slot: *slot,
                    pepper: digest.pepper().clone(),
                    empty: *empty,
                    issued_at: *at,
                    not_before: *not_before,
                    expires_at: *expires_at,
                }));
            }
            DeviceEvent::ClaimRevoked { key_id, .. } | DeviceEvent::ClaimExpired { key_id, .. } => {
                changes.push(ActiveKeysChange::Delete { device_id: event.device_id, key_id: *key_id });
            }
            DeviceEvent::DeviceRegistered { .. }
            | DeviceEvent::DeviceChanged { .. }
            | DeviceEvent::DeviceRemoved { .. }
            | DeviceEvent::ClaimingAllowed { .. }
            | DeviceEvent::ClaimingDisallowed { .. }
            | DeviceEvent::IssueRefused { .. }
            | DeviceEvent::ClaimRefused { .. }
            | DeviceEvent::ClaimantLocked { .. }
            | DeviceEvent::DeviceClaimed { .. }
            | DeviceEvent::DeviceReclaimed { .. }
            | DeviceEvent::DeviceAssigned { .. }
            | DeviceEvent::DeviceUnassigned { .. } => {}
        }
    }
}
