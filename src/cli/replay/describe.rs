//! Events in words.

use deed_domain::{
    device::{DeviceEvent, KeySlot, LockScope},
    ids::KeyId,
    ports::StoreError,
};

use super::{names::Names, readable};

/// What the event says beyond its name.
///
/// # Errors
/// [`StoreError`] if a name cannot be looked up.
pub(super) async fn describe(event: &DeviceEvent, names: &mut Names<'_>) -> Result<String, StoreError> {
    Ok(match event {
        DeviceEvent::DeviceRegistered { name, device_type, label, .. }
        | DeviceEvent::DeviceChanged { name, device_type, label, .. } => {
            let label = label.as_ref().map(|label| format!(", label {label:?}")).unwrap_or_default();
            format!("name {name:?}, type {device_type:?}{label}")
        }
        DeviceEvent::DeviceRemoved { .. } | DeviceEvent::ClaimingAllowed { .. } => String::new(),
        DeviceEvent::ClaimingDisallowed { explicit, .. } => {
            if *explicit { "set to false" } else { "taken away" }.into()
        }
        DeviceEvent::ClaimIssued { key_id, origin, slot, empty, not_before, expires_at, .. } => {
            let place = match slot {
                KeySlot::Device => "",
                KeySlot::AttributeText | KeySlot::AttributeObject => " as claimingData",
                KeySlot::Additional => " beside others",
            };
            let empty = if *empty { ", the empty key" } else { "" };
            let from = not_before.map(|from| format!(", works from {}", readable(from))).unwrap_or_default();
            format!(
                "{} from {}{place}{empty}{from}, works until {}",
                key(*key_id),
                origin.as_str(),
                readable(*expires_at)
            )
        }
        DeviceEvent::ClaimRevoked { key_id, reason, .. } => format!("{}: {}", key(*key_id), reason.as_str()),
        DeviceEvent::ClaimExpired { key_id, .. } => key(*key_id),
        DeviceEvent::IssueRefused { origin, reason, suppressed, .. } => {
            format!("from {}: {}{}", origin.as_str(), reason.as_str(), and_before(*suppressed))
        }
        DeviceEvent::ClaimRefused { customer_id, user_id, reason, failures, suppressed, alert, .. } => {
            let (customer, user) = (names.customer(*customer_id).await?, names.user(*user_id).await?);
            let count = if *failures > 0 { format!(", wrong key number {failures}") } else { String::new() };
            let alert = alert.map(|count| format!(", ALERT: {count} within an hour")).unwrap_or_default();
            format!("{customer} ({user}): {}{count}{}{alert}", reason.as_str(), and_before(*suppressed))
        }
        DeviceEvent::ClaimantLocked { customer_id, until, failures, scope, .. } => {
            let scope = match scope {
                LockScope::Device => "from this device",
                LockScope::AllDevices => "from all devices",
            };
            let customer = names.customer(*customer_id).await?;
            format!("{customer}: {scope} until {} after {failures} wrong keys", readable(*until))
        }
        DeviceEvent::DeviceClaimed { customer_id, user_id, key_id, .. } => {
            let (customer, user) = (names.customer(*customer_id).await?, names.user(*user_id).await?);
            format!("by {customer} ({user}) with {}", key(*key_id))
        }
        DeviceEvent::DeviceReclaimed { customer_id, .. } => format!("from {}", names.customer(*customer_id).await?),
        DeviceEvent::DeviceAssigned { customer_id, previous, .. } => {
            let from = match previous {
                Some(previous) => format!(", from {}", names.customer(*previous).await?),
                None => String::new(),
            };
            format!("to {}{from}", names.customer(*customer_id).await?)
        }
        DeviceEvent::DeviceUnassigned { customer_id, reason, .. } => {
            format!("from {}: {}", names.customer(*customer_id).await?, reason.as_str())
        }
    })
}

/// The key, short: the end of its id is the part that differs.
pub(super) fn key(id: KeyId) -> String {
    let id = id.0.simple().to_string();
    format!("key …{}", &id[id.len() - 8..])
}

fn and_before(suppressed: u32) -> String {
    if suppressed > 0 { format!(", and {suppressed} times before") } else { String::new() }
}
