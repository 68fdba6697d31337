//! Who owned which device from when to when.

use async_trait::async_trait;
use deed_domain::{
    device::{DeviceEvent, UnassignReason},
    ids::{CustomerId, DeviceId, Epoch, KeyId, Position, TenantId, UserId},
    ports::StoreError,
    time::Timestamp,
};
use serde::Serialize;

use crate::projection::{Projection, Recorded};

/// Who owned which device from when to when.
pub struct Ownership;

/// One ownership of a device. Spans of a device do not overlap; a position belongs to the span if it is at or after its
/// start and before its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnershipSpan {
    /// The device.
    pub device_id: DeviceId,
    /// Which ownership of the device: 1, 2, 3 …
    pub epoch: Epoch,
    /// The device's tenant.
    pub tenant_id: TenantId,
    /// The owner.
    pub customer_id: CustomerId,
    /// How it began.
    pub start: SpanStart,
    /// The event that began it.
    pub from_position: Position,
    /// When it began.
    pub from_time: Timestamp,
    /// How it ended; `None` while it lasts.
    pub end: Option<SpanEnd>,
    /// The event that ended it.
    pub to_position: Option<Position>,
    /// When it ended.
    pub to_time: Option<Timestamp>,
}

/// How an ownership began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum SpanStart {
    /// With a key.
    Claim {
        /// The person who claimed.
        user_id: UserId,
        /// The key.
        key_id: KeyId,
    },
    /// From an administrator.
    Assignment,
}

/// How an ownership ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpanEnd {
    /// The device was reclaimed.
    Reclaimed,
    /// An administrator took it.
    Unassigned,
    /// An administrator gave it to somebody else.
    Reassigned,
    /// The owner was deleted.
    CustomerDeleted,
    /// The device was deleted.
    Removed,
}

impl SpanEnd {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reclaimed => "reclaimed",
            Self::Unassigned => "unassigned",
            Self::Reassigned => "reassigned",
            Self::CustomerDeleted => "customer-deleted",
            Self::Removed => "removed",
        }
    }

    /// The end of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Reclaimed, Self::Unassigned, Self::Reassigned, Self::CustomerDeleted, Self::Removed]
            .into_iter()
            .find(|end| end.as_str() == word)
    }
}

/// A change of the ownership read model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnershipChange {
    /// An ownership began; its end is open.
    Open(OwnershipSpan),
    /// The device's open ownership, if there is one, ended.
    Close {
        /// The device.
        device_id: DeviceId,
        /// How.
        end: SpanEnd,
        /// The event that ended it.
        to_position: Position,
        /// When.
        to_time: Timestamp,
    },
}

/// Asks who owns and owned devices.
#[async_trait]
pub trait OwnershipQuery: Send + Sync {
    /// Every ownership of a device, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn ownerships(&self, device_id: DeviceId) -> Result<Vec<OwnershipSpan>, StoreError>;
}

impl Projection for Ownership {
    const NAME: &'static str = "ownership";
    const VERSION: u32 = 1;
    type Change = OwnershipChange;

    fn project(event: &Recorded<'_>, changes: &mut Vec<OwnershipChange>) {
        let close = |end, at: Timestamp| OwnershipChange::Close {
            device_id: event.device_id,
            end,
            to_position: event.position,
            to_time: at,
        };
        let open = |customer_id, epoch, start, at: Timestamp| {
            OwnershipChange::Open(OwnershipSpan {
                device_id: event.device_id,
                epoch,
                tenant_id: event.metadata.tenant_id,
                customer_id,
                start,
                from_position: event.position,
                from_time: at,
                end: None,
                to_position: None,
                to_time: None,
            })
        };
        match event.event {
            DeviceEvent::DeviceClaimed { at, customer_id, user_id, key_id, epoch, .. } => {
                let start = SpanStart::Claim { user_id: *user_id, key_id: *key_id };
                changes.push(open(*customer_id, *epoch, start, *at));
            }
            DeviceEvent::DeviceAssigned { at, customer_id, previous, epoch, .. } => {
                changes.extend(previous.map(|_| close(SpanEnd::Reassigned, *at)));
                changes.push(open(*customer_id, *epoch, SpanStart::Assignment, *at));
            }
            DeviceEvent::DeviceReclaimed { at, .. } => changes.push(close(SpanEnd::Reclaimed, *at)),
            DeviceEvent::DeviceUnassigned { at, reason, .. } => {
                let end = match reason {
                    UnassignReason::Unassigned => SpanEnd::Unassigned,
                    UnassignReason::CustomerDeleted => SpanEnd::CustomerDeleted,
                };
                changes.push(close(end, *at));
            }
            DeviceEvent::DeviceRemoved { at } => changes.push(close(SpanEnd::Removed, *at)),
            DeviceEvent::DeviceRegistered { .. }
            | DeviceEvent::DeviceChanged { .. }
            | DeviceEvent::ClaimingAllowed { .. }
            | DeviceEvent::ClaimingDisallowed { .. }
            | DeviceEvent::ClaimIssued { .. }
            | DeviceEvent::ClaimRevoked { .. }
            | DeviceEvent::IssueRefused { .. }
            | DeviceEvent::ClaimExpired { .. }
            | DeviceEvent::ClaimRefused { .. }
            | DeviceEvent::ClaimantLocked { .. } => {}
        }
    }
}
