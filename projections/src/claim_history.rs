//! Every step of claiming in a row of its own.

use async_trait::async_trait;
use deed_domain::{
    codec,
    device::DeviceEvent,
    ids::{CustomerId, DeviceId, KeyId, Position, TenantId, UserId},
    ports::StoreError,
    time::Timestamp,
};
use serde::Serialize;

use crate::projection::{Projection, Recorded};

/// Every step of claiming, refusals included, in a row of its own.
pub struct ClaimHistory;

/// One step of claiming. Rows are only ever added, so a row is its own change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimHistoryRow {
    /// The event.
    pub position: Position,
    /// The device.
    pub device_id: DeviceId,
    /// The device's tenant.
    pub tenant_id: TenantId,
    /// When.
    pub at: Timestamp,
    /// The event's frozen type name.
    pub step: &'static str,
    /// The key that it is about.
    pub key_id: Option<KeyId>,
    /// The customer that it is about.
    pub customer_id: Option<CustomerId>,
    /// The person who claimed or tried to.
    pub user_id: Option<UserId>,
    /// Why, where there is a reason.
    pub reason: Option<&'static str>,
    /// How many times it happened: 1, and the earlier refusals that have no event of their own.
    pub times: u32,
}

/// Asks for the history of claiming.
#[async_trait]
pub trait ClaimHistoryQuery: Send + Sync {
    /// A device's steps after a position, at most `limit`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the read model cannot be read.
    async fn claim_history(
        &self,
        device_id: DeviceId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<ClaimHistoryRow>, StoreError>;
}

impl Projection for ClaimHistory {
    const NAME: &'static str = "claim_history";
    const VERSION: u32 = 1;
    type Change = ClaimHistoryRow;

    fn project(event: &Recorded<'_>, changes: &mut Vec<ClaimHistoryRow>) {
        let row = ClaimHistoryRow {
            position: event.position,
            device_id: event.device_id,
            tenant_id: event.metadata.tenant_id,
            at: event.event.at(),
            step: codec::event_type(event.event),
            key_id: None,
            customer_id: None,
            user_id: None,
            reason: None,
            times: 1,
        };
        changes.push(match event.event {
            DeviceEvent::ClaimIssued { key_id, origin, .. } => {
                ClaimHistoryRow { key_id: Some(*key_id), reason: Some(origin.as_str()), ..row }
            }
            DeviceEvent::ClaimRevoked { key_id, reason, .. } => {
                ClaimHistoryRow { key_id: Some(*key_id), reason: Some(reason.as_str()), ..row }
            }
            DeviceEvent::ClaimExpired { key_id, .. } => ClaimHistoryRow { key_id: Some(*key_id), ..row },
            DeviceEvent::IssueRefused { reason, key_id, suppressed, .. } => ClaimHistoryRow {
                key_id: *key_id,
                reason: Some(reason.as_str()),
                times: suppressed.saturating_add(1),
                ..row
            },
            DeviceEvent::ClaimRefused { customer_id, user_id, reason, suppressed, .. } => ClaimHistoryRow {
                customer_id: Some(*customer_id),
                user_id: Some(*user_id),
                reason: Some(reason.as_str()),
                times: suppressed.saturating_add(1),
                ..row
            },
            DeviceEvent::ClaimantLocked { customer_id, scope, .. } => {
                ClaimHistoryRow { customer_id: Some(*customer_id), reason: Some(scope.as_str()), ..row }
            }
            DeviceEvent::DeviceClaimed { customer_id, user_id, key_id, .. } => ClaimHistoryRow {
                customer_id: Some(*customer_id),
                user_id: Some(*user_id),
                key_id: Some(*key_id),
                ..row
            },
            DeviceEvent::DeviceAssigned { customer_id, .. } | DeviceEvent::DeviceReclaimed { customer_id, .. } => {
                ClaimHistoryRow { customer_id: Some(*customer_id), ..row }
            }
            DeviceEvent::DeviceUnassigned { customer_id, reason, .. } => {
                ClaimHistoryRow { customer_id: Some(*customer_id), reason: Some(reason.as_str()), ..row }
            }
            DeviceEvent::ClaimingAllowed { .. } | DeviceEvent::ClaimingDisallowed { .. } => row,
            DeviceEvent::DeviceRegistered { .. }
            | DeviceEvent::DeviceChanged { .. }
            | DeviceEvent::DeviceRemoved { .. } => return,
        });
    }
}
