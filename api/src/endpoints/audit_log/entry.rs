//! An entry as clients read it.

use deed_domain::{
    device::{Device, MASKED},
    ids::{DeviceId, Position, TenantId, UserId},
    metadata::Actor,
    ports::Scope,
    time::Timestamp,
};
use deed_projections::{AuditAction, AuditEntry};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    action::{action_status, action_type},
    names::Names,
};
use crate::{
    endpoints::{audit::unreadable, devices::transport},
    error::ApiError,
    state::ApiState,
    wire::{DeviceJson, EntityId, NULL_UUID},
};

/// Events read at once.
const PAGE: usize = 100;

/// An entry of the audit log.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AuditLog)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditLogJson {
    /// The entry.
    id: AuditLogId,
    /// When, milliseconds since the epoch.
    #[schema(value_type = i64, example = 1_735_689_600_000_i64)]
    created_time: Timestamp,
    /// Whose log it is.
    tenant_id: EntityId,
    /// The customer that it concerns; the null UUID if there is none.
    customer_id: EntityId,
    /// The device.
    entity_id: EntityId,
    /// The device's name as it is now, or as it was last.
    #[schema(example = "D-1")]
    entity_name: String,
    /// Who acted; the null UUID for a device and for the service itself.
    user_id: EntityId,
    /// The person's e-mail as it is now; the id of somebody who has been erased; null for a device and for the service.
    #[schema(example = "tenant@thingsboard.org")]
    user_name: Option<String>,
    /// `ADDED`, `UPDATED`, `DELETED`, `ATTRIBUTES_UPDATED`, `ATTRIBUTES_DELETED`, `ASSIGNED_TO_CUSTOMER` or
    /// `UNASSIGNED_FROM_CUSTOMER`.
    #[schema(example = "ASSIGNED_TO_CUSTOMER")]
    action_type: &'static str,
    /// What belongs to the action, without secrets.
    #[schema(value_type = Object)]
    action_data: Value,
    /// `SUCCESS`, or `FAILURE` for a claim that failed.
    #[schema(example = "SUCCESS")]
    action_status: &'static str,
    /// Why it failed; empty otherwise.
    #[schema(example = "wrong-key")]
    action_failure_details: String,
}

/// An entry's id; it has no type.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct AuditLogId {
    id: Uuid,
}

impl AuditLogId {
    /// The same for the same event.
    fn of(entry: &AuditEntry) -> Self {
        Self { id: Uuid::new_v5(&entry.device_id.0, format!("audit log {}", entry.position).as_bytes()) }
    }
}

impl AuditLogJson {
    /// Its device and its person have been looked up.
    pub(super) async fn of(
        state: &ApiState,
        names: &mut Names<'_>,
        tenant_id: TenantId,
        entry: &AuditEntry,
    ) -> Result<Self, ApiError> {
        let user_id = match entry.actor {
            Actor::User(id) => id,
            Actor::Device(_) | Actor::Gateway(_) | Actor::System => UserId(NULL_UUID),
        };
        let failure = match entry.action {
            AuditAction::ClaimFailed { reason, times: 1, .. } => reason.as_str().to_owned(),
            AuditAction::ClaimFailed { reason, times, .. } => format!("{}, {times} times", reason.as_str()),
            _ => String::new(),
        };
        Ok(Self {
            id: AuditLogId::of(entry),
            created_time: entry.at,
            tenant_id: EntityId::tenant(Some(tenant_id)),
            customer_id: EntityId::customer(entry.action.customer_id()),
            entity_id: EntityId::device(entry.device_id),
            entity_name: names.device(entry.device_id).to_owned(),
            user_id: EntityId::user(user_id),
            user_name: names.user(entry).map(str::to_owned),
            action_type: action_type(entry.action),
            action_data: action_data(state, names, entry).await?,
            action_status: action_status(entry.action),
            action_failure_details: failure,
        })
    }
}

async fn action_data(state: &ApiState, names: &mut Names<'_>, entry: &AuditEntry) -> Result<Value, ApiError> {
    let device_id = entry.device_id;
    Ok(match entry.action {
        AuditAction::Added | AuditAction::Updated => json!({"entity": as_it_was(state, device_id, entry).await?}),
        AuditAction::Deleted => json!({"entityId": device_id}),
        AuditAction::AttributesUpdated { switch, data } => {
            let mut attributes = Map::new();
            attributes.extend(switch.map(|allowed| ("claimingAllowed".to_owned(), allowed.to_string().into())));
            attributes.extend(data.then(|| ("claimingData".to_owned(), MASKED.into())));
            json!({"entityId": device_id, "scope": "SERVER_SCOPE", "attributes": attributes})
        }
        AuditAction::AttributesDeleted { switch, data } => {
            let gone = [(switch, "claimingAllowed"), (data, "claimingData")];
            let attributes: Vec<_> = gone.into_iter().filter(|(is_gone, _)| *is_gone).map(|(_, key)| key).collect();
            json!({"entityId": device_id, "scope": "SERVER_SCOPE", "attributes": attributes})
        }
        AuditAction::KeyWithdrawn(_) => {
            json!({"entityId": device_id, "scope": "SERVER_SCOPE", "attributes": ["claimingData"]})
        }
        AuditAction::Assigned(customer_id) | AuditAction::ClaimFailed { customer_id, .. } => json!({
            "entityId": device_id,
            "assignedCustomerId": customer_id,
            "assignedCustomerName": names.customer(customer_id).await?,
        }),
        AuditAction::Unassigned(customer_id) => json!({
            "entityId": device_id,
            "unassignedCustomerId": customer_id,
            "unassignedCustomerName": names.customer(customer_id).await?,
        }),
    })
}

/// The device after the entry's command. What clients keep with it is not in the log, and reads null; the transport is
/// that which its profile has now.
async fn as_it_was(state: &ApiState, device_id: DeviceId, entry: &AuditEntry) -> Result<Option<DeviceJson>, ApiError> {
    let (mut device, mut after, mut command) = (Device::default(), Position(0), None);
    'log: loop {
        let page = state.feed.read_after(Scope::Device(device_id), after, PAGE).await?;
        for stored in &page.events {
            // The events of the entry's own command still belong to it.
            if stored.position > entry.position && command.as_ref() != Some(&stored.metadata) {
                break 'log;
            }
            device.evolve(&stored.decode().map_err(|why| unreadable(stored.position, &why))?);
            if stored.position == entry.position {
                command = Some(stored.metadata.clone());
            }
        }
        if page.events.len() < PAGE {
            break;
        }
        after = page.read_up_to;
    }
    let Some(registered) = device.registered() else { return Ok(None) };
    let transport = transport(state, registered.profile_id).await?;
    Ok(Some(DeviceJson::of_registered(device_id, registered, None).with_transport(transport)))
}
