//! The log as administrators' actions: what `ThingsBoard`'s audit log tells of a device.
//!
//! A command leaves several events where an audit log has one entry, so entries are made of all events of a command. No
//! table holds them: they are read from the log (`docs/adr/0013-audit-log-read-from-the-log.md`).

use deed_domain::{
    device::{ClaimRefusedReason, DeviceEvent, KeyOrigin, RevokeReason},
    ids::{CustomerId, DeviceId, KeyId, Position},
    metadata::Actor,
    time::Timestamp,
};

use crate::projection::Recorded;

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The event that it is about, or the first one of several.
    pub position: Position,
    /// The device.
    pub device_id: DeviceId,
    /// When.
    pub at: Timestamp,
    /// Who acted.
    pub actor: Actor,
    /// What was done.
    pub action: AuditAction,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditAction {
    /// The device was added.
    Added,
    /// The device was saved.
    Updated,
    /// The device was deleted.
    Deleted,
    /// Claiming attributes were written.
    AttributesUpdated {
        /// The switch `claimingAllowed`, if it was.
        switch: Option<bool>,
        /// Whether `claimingData` was.
        data: bool,
    },
    /// Claiming attributes were deleted.
    AttributesDeleted {
        /// Whether `claimingAllowed` was.
        switch: bool,
        /// Whether `claimingData` was.
        data: bool,
    },
    /// An administrator took a key back. It was the attribute `claimingData` if that is where the key stood, which only
    /// the device's earlier events tell.
    KeyWithdrawn(KeyId),
    /// A customer became the owner, with a key or without.
    Assigned(CustomerId),
    /// The owner is the owner no more.
    Unassigned(CustomerId),
    /// A customer tried to claim and failed.
    ClaimFailed {
        /// The customer.
        customer_id: CustomerId,
        /// Why.
        reason: ClaimRefusedReason,
        /// How many times: 1, and earlier ones that have no event of their own.
        times: u32,
    },
}

impl AuditAction {
    /// The customer that the action concerns.
    pub const fn customer_id(self) -> Option<CustomerId> {
        match self {
            Self::Assigned(customer_id) | Self::Unassigned(customer_id) | Self::ClaimFailed { customer_id, .. } => {
                Some(customer_id)
            }
            Self::Added
            | Self::Updated
            | Self::Deleted
            | Self::AttributesUpdated { .. }
            | Self::AttributesDeleted { .. }
            | Self::KeyWithdrawn(_) => None,
        }
    }
}

/// The entries of one command, of which these are all events, in order. What a device does by itself, and what follows by
/// itself from something else, is no action of anybody.
pub fn audit_entries(command: &[Recorded<'_>]) -> Vec<AuditEntry> {
    let any = |wanted: fn(&DeviceEvent) -> bool| command.iter().any(|recorded| wanted(recorded.event));
    let is_claim = any(|event| matches!(event, DeviceEvent::DeviceClaimed { .. }));
    let is_reclaim = any(|event| matches!(event, DeviceEvent::DeviceReclaimed { .. }));
    let mut entries: Vec<AuditEntry> = Vec::new();
    for recorded in command {
        let action = match recorded.event {
            DeviceEvent::DeviceRegistered { .. } => AuditAction::Added,
            DeviceEvent::DeviceChanged { .. } => AuditAction::Updated,
            DeviceEvent::DeviceRemoved { .. } => AuditAction::Deleted,
            DeviceEvent::DeviceClaimed { customer_id, .. } | DeviceEvent::DeviceAssigned { customer_id, .. } => {
                AuditAction::Assigned(*customer_id)
            }
            DeviceEvent::DeviceReclaimed { customer_id, .. } | DeviceEvent::DeviceUnassigned { customer_id, .. } => {
                AuditAction::Unassigned(*customer_id)
            }
            DeviceEvent::ClaimRefused { customer_id, reason, suppressed, .. } => AuditAction::ClaimFailed {
                customer_id: *customer_id,
                reason: *reason,
                times: suppressed.saturating_add(1),
            },
            DeviceEvent::ClaimingAllowed { .. } if !is_reclaim => updated(Some(true), false),
            DeviceEvent::ClaimingDisallowed { explicit: true, .. } => updated(Some(false), false),
            DeviceEvent::ClaimingDisallowed { explicit: false, .. } if !is_claim => {
                AuditAction::AttributesDeleted { switch: true, data: false }
            }
            DeviceEvent::ClaimIssued { slot, .. } if slot.is_attribute() => updated(None, true),
            DeviceEvent::IssueRefused { origin: KeyOrigin::Admin, .. } => updated(None, true),
            DeviceEvent::ClaimRevoked { key_id, reason: RevokeReason::Withdrawn, .. } => {
                AuditAction::KeyWithdrawn(*key_id)
            }
            DeviceEvent::ClaimingAllowed { .. }
            | DeviceEvent::ClaimingDisallowed { .. }
            | DeviceEvent::ClaimIssued { .. }
            | DeviceEvent::ClaimRevoked { .. }
            | DeviceEvent::ClaimExpired { .. }
            | DeviceEvent::ClaimantLocked { .. }
            | DeviceEvent::IssueRefused { .. } => continue,
        };
        match entries.last_mut().and_then(|last| merged(last.action, action).map(|both| (last, both))) {
            Some((last, both)) => last.action = both,
            None => entries.push(AuditEntry {
                position: recorded.position,
                device_id: recorded.device_id,
                at: recorded.recorded_at,
                actor: recorded.metadata.actor,
                action,
            }),
        }
    }
    entries
}

const fn updated(switch: Option<bool>, data: bool) -> AuditAction {
    AuditAction::AttributesUpdated { switch, data }
}

/// The write of two attributes in one request is one action.
fn merged(first: AuditAction, second: AuditAction) -> Option<AuditAction> {
    match (first, second) {
        (
            AuditAction::AttributesUpdated { switch, data },
            AuditAction::AttributesUpdated { switch: other, data: too },
        ) => Some(AuditAction::AttributesUpdated { switch: other.or(switch), data: data || too }),
        _ => None,
    }
}

/// Whether an event of that type can be part of an entry, so that the others need not be decoded.
pub fn concerns_the_audit_log(event_type: &str) -> bool {
    !matches!(event_type, "ClaimExpired" | "ClaimantLocked")
}

#[cfg(test)]
mod tests {
    use std::{fmt::Debug, str::FromStr};

    use super::*;
    use deed_domain::{
        claim_key::{KeyDigest, PepperId},
        device::KeySlot,
        ids::{Epoch, Sequence},
        metadata::{Metadata, Transport},
    };

    const AT: Timestamp = Timestamp(5);

    fn id<T: FromStr<Err: Debug>>(n: u64) -> T {
        format!("01941f29-7c00-7000-8000-{n:012x}").parse().unwrap()
    }

    fn customer() -> CustomerId {
        id(0xa)
    }

    fn key() -> KeyId {
        id(7)
    }

    fn actions(events: &[DeviceEvent]) -> Vec<(u64, AuditAction)> {
        let metadata = Metadata {
            actor: Actor::User(id(1)),
            transport: Transport::Rest,
            correlation_id: "r".into(),
            command_id: id(2),
            tenant_id: id(3),
        };
        let recorded = |(i, event)| Recorded {
            position: Position(i as u64 + 1),
            device_id: id(4),
            sequence: Sequence(i as u64 + 1),
            recorded_at: AT,
            event,
            metadata: &metadata,
        };
        let command: Vec<_> = events.iter().enumerate().map(recorded).collect();
        audit_entries(&command).into_iter().map(|entry| (entry.position.0, entry.action)).collect()
    }

    fn registered() -> DeviceEvent {
        DeviceEvent::DeviceRegistered {
            at: AT,
            tenant_id: id(3),
            name: "D".into(),
            device_type: "default".into(),
            label: None,
            profile_id: id(6),
        }
    }

    fn issued(origin: KeyOrigin, slot: KeySlot) -> DeviceEvent {
        let digest = KeyDigest::new(PepperId("p".into()), [0; 32]);
        DeviceEvent::ClaimIssued {
            at: AT,
            key_id: key(),
            origin,
            slot,
            digest,
            empty: false,
            not_before: None,
            expires_at: AT,
        }
    }

    fn revoked(reason: RevokeReason) -> DeviceEvent {
        DeviceEvent::ClaimRevoked { at: AT, key_id: key(), reason }
    }

    #[test]
    fn a_device_that_comes_with_a_key_is_two_entries() {
        let events =
            [registered(), DeviceEvent::ClaimingAllowed { at: AT }, issued(KeyOrigin::Admin, KeySlot::AttributeText)];
        assert_eq!(actions(&events), [(1, AuditAction::Added), (2, updated(Some(true), true))]);
    }

    #[test]
    fn what_follows_from_a_claim_or_a_reclaim_has_no_entry() {
        let claimed = DeviceEvent::DeviceClaimed {
            at: AT,
            customer_id: customer(),
            user_id: id(1),
            key_id: key(),
            epoch: Epoch(1),
            version: 2,
        };
        let gone = DeviceEvent::ClaimingDisallowed { at: AT, explicit: false };
        let events = [claimed, revoked(RevokeReason::Used), gone.clone()];
        assert_eq!(actions(&events), [(1, AuditAction::Assigned(customer()))]);
        let reclaimed = DeviceEvent::DeviceReclaimed { at: AT, customer_id: customer(), version: 3 };
        let events = [reclaimed, DeviceEvent::ClaimingAllowed { at: AT }];
        assert_eq!(actions(&events), [(1, AuditAction::Unassigned(customer()))]);
        assert_eq!(actions(&[gone]), [(1, AuditAction::AttributesDeleted { switch: true, data: false })]);
    }

    #[test]
    fn a_failed_claim_is_one_however_often_it_failed() {
        let reason = ClaimRefusedReason::WrongKey;
        let refused = DeviceEvent::ClaimRefused {
            at: AT,
            customer_id: customer(),
            user_id: id(1),
            reason,
            failures: 9,
            suppressed: 3,
            alert: None,
        };
        let failed = AuditAction::ClaimFailed { customer_id: customer(), reason, times: 4 };
        assert_eq!(actions(&[refused]), [(1, failed)]);
        assert_eq!(failed.customer_id(), Some(customer()));
    }

    #[test]
    fn what_devices_do_by_themselves_is_nobody_s_action() {
        let events = [
            issued(KeyOrigin::Device, KeySlot::Device),
            revoked(RevokeReason::Superseded),
            DeviceEvent::ClaimExpired { at: AT, key_id: key() },
        ];
        assert_eq!(actions(&events), []);
        assert_eq!(actions(&[issued(KeyOrigin::Admin, KeySlot::Additional)]), []);
        assert_eq!(actions(&[revoked(RevokeReason::Withdrawn)]), [(1, AuditAction::KeyWithdrawn(key()))]);
    }
}
