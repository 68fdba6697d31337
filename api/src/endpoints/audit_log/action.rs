//! The words of the audit log: what was done, and how it went.

use deed_projections::AuditAction;

/// Every action type that clients know. Those that nobody finds here concern no device, or leave no event.
const KNOWN: [&str; 41] = [
    "ADDED",
    "DELETED",
    "UPDATED",
    "ATTRIBUTES_UPDATED",
    "ATTRIBUTES_DELETED",
    "TIMESERIES_UPDATED",
    "TIMESERIES_DELETED",
    "RPC_CALL",
    "CREDENTIALS_UPDATED",
    "ASSIGNED_TO_CUSTOMER",
    "UNASSIGNED_FROM_CUSTOMER",
    "ACTIVATED",
    "SUSPENDED",
    "CREDENTIALS_READ",
    "ATTRIBUTES_READ",
    "RELATION_ADD_OR_UPDATE",
    "RELATION_DELETED",
    "RELATIONS_DELETED",
    "REST_API_RULE_ENGINE_CALL",
    "ALARM_ACK",
    "ALARM_CLEAR",
    "ALARM_DELETE",
    "ALARM_ASSIGNED",
    "ALARM_UNASSIGNED",
    "LOGIN",
    "LOGOUT",
    "LOCKOUT",
    "ASSIGNED_FROM_TENANT",
    "ASSIGNED_TO_TENANT",
    "PROVISION_SUCCESS",
    "PROVISION_FAILURE",
    "ASSIGNED_TO_EDGE",
    "UNASSIGNED_FROM_EDGE",
    "ADDED_COMMENT",
    "UPDATED_COMMENT",
    "DELETED_COMMENT",
    "SMS_SENT",
    "CHANGE_OWNER",
    "MADE_PUBLIC",
    "MADE_PRIVATE",
    "ADDED_TO_ENTITY_GROUP",
];

/// The action type of that word.
pub(super) fn known(word: &str) -> Option<&'static str> {
    KNOWN.into_iter().find(|known| *known == word)
}

/// The word for what was done.
pub(super) const fn action_type(action: AuditAction) -> &'static str {
    match action {
        AuditAction::Added => "ADDED",
        AuditAction::Updated => "UPDATED",
        AuditAction::Deleted => "DELETED",
        AuditAction::AttributesUpdated { .. } => "ATTRIBUTES_UPDATED",
        AuditAction::AttributesDeleted { .. } | AuditAction::KeyWithdrawn(_) => "ATTRIBUTES_DELETED",
        AuditAction::Assigned(_) | AuditAction::ClaimFailed { .. } => "ASSIGNED_TO_CUSTOMER",
        AuditAction::Unassigned(_) => "UNASSIGNED_FROM_CUSTOMER",
    }
}

/// The word for how it went.
pub(super) const fn action_status(action: AuditAction) -> &'static str {
    match action {
        AuditAction::ClaimFailed { .. } => "FAILURE",
        _ => "SUCCESS",
    }
}
