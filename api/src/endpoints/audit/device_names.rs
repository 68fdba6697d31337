//! `GET /api/audit/devices/{deviceId}/names`.

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json, extract::State};
use deed_domain::{
    device::DeviceEvent,
    ids::{CustomerId, Position, UserId},
    metadata::Actor,
    ports::{RecordedEvent, Scope},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{log_reader::LogReader, require_device, unreadable};
use crate::{
    authentication::{HistoryReader, Only},
    error::ApiError,
    extract::PathParams,
    state::Shared,
};

const PAGE: usize = 1_000;

/// Whom ids in a device's history stand for, as they are called now. Who is gone is missing.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = HistoryNames)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NamesJson {
    /// Titles of customers by id.
    #[schema(value_type = BTreeMap<String, String>)]
    customers: BTreeMap<CustomerId, String>,
    /// E-mails of users by id.
    #[schema(value_type = BTreeMap<String, String>)]
    users: BTreeMap<UserId, String>,
}

/// Read the names in a device's history
///
/// People and customers stand in the log by id, so that they can be erased. These are the names that they have today.
#[utoipa::path(
    get, path = "/api/audit/devices/{deviceId}/names", tag = "audit",
    security(("bearer" = []), ("x-authorization" = [])),
    params(("deviceId" = uuid::Uuid, Path, description = "The device.")),
    responses(
        (status = 200, description = "The names of whoever is still there.", body = NamesJson),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "The tenant never had such a device."),
    )
)]
pub(crate) async fn device_names(
    State(state): State<Shared>,
    Only(reader): Only<HistoryReader>,
    path: PathParams,
) -> Result<Json<NamesJson>, ApiError> {
    let id = path.id("deviceId")?;
    require_device(&state, reader, id).await?;
    let mut people = People::default();
    let mut log = LogReader::begin(&state.feed, Scope::Device(id), Position(0)).await?;
    loop {
        let page = log.next(PAGE).await?;
        if page.is_empty() {
            break;
        }
        page.iter().try_for_each(|event| people.add(event))?;
    }
    let mut names = NamesJson::default();
    for id in people.customers {
        if let Some(customer) = state.accounts.customer(id).await? {
            names.customers.insert(id, customer.title);
        }
    }
    for id in people.users {
        if let Some(user) = state.accounts.user(id).await? {
            names.users.insert(id, user.email);
        }
    }
    Ok(Json(names))
}

/// Who stands in a history.
#[derive(Default)]
struct People {
    customers: BTreeSet<CustomerId>,
    users: BTreeSet<UserId>,
}

impl People {
    fn add(&mut self, event: &RecordedEvent) -> Result<(), ApiError> {
        let metadata = event.decode_metadata().map_err(|error| unreadable(event.position, &error))?;
        if let Actor::User(id) = metadata.actor {
            self.users.insert(id);
        }
        match event.decode().map_err(|error| unreadable(event.position, &error))? {
            DeviceEvent::ClaimRefused { customer_id, user_id, .. }
            | DeviceEvent::DeviceClaimed { customer_id, user_id, .. } => {
                self.customers.insert(customer_id);
                self.users.insert(user_id);
            }
            DeviceEvent::ClaimantLocked { customer_id, .. }
            | DeviceEvent::DeviceReclaimed { customer_id, .. }
            | DeviceEvent::DeviceAssigned { customer_id, .. }
            | DeviceEvent::DeviceUnassigned { customer_id, .. } => {
                self.customers.insert(customer_id);
            }
            DeviceEvent::DeviceRegistered { .. }
            | DeviceEvent::DeviceChanged { .. }
            | DeviceEvent::DeviceRemoved { .. }
            | DeviceEvent::ClaimingAllowed { .. }
            | DeviceEvent::ClaimingDisallowed { .. }
            | DeviceEvent::ClaimIssued { .. }
            | DeviceEvent::ClaimRevoked { .. }
            | DeviceEvent::IssueRefused { .. }
            | DeviceEvent::ClaimExpired { .. } => {}
        }
        Ok(())
    }
}
