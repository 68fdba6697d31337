//! Names as they are now: people and organisations stand in the log by id, so that they can be erased.

use std::collections::{HashMap, HashSet};

use deed_domain::{
    device::DeviceEvent,
    ids::{CustomerId, DeviceId, UserId},
    metadata::Actor,
};
use deed_projections::AuditEntry;

use crate::{endpoints::audit::unreadable, error::ApiError, state::ApiState};

/// Most ids that are asked for at once.
const AT_ONCE: usize = 1_000;

/// Names that have been looked up for one answer.
pub(super) struct Names<'a> {
    state: &'a ApiState,
    devices: HashMap<DeviceId, String>,
    users: HashMap<UserId, String>,
    customers: HashMap<CustomerId, Option<String>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(state: &'a ApiState) -> Self {
        Self { state, devices: HashMap::new(), users: HashMap::new(), customers: HashMap::new() }
    }

    /// Looks up the devices and people of these entries that are not known yet, all together.
    pub(super) async fn look_up(&mut self, entries: impl IntoIterator<Item = &AuditEntry>) -> Result<(), ApiError> {
        let (mut devices, mut users) = (HashSet::new(), HashSet::new());
        for entry in entries {
            devices.extend(Some(entry.device_id).filter(|id| !self.devices.contains_key(id)));
            if let Actor::User(id) = entry.actor {
                users.extend(Some(id).filter(|id| !self.users.contains_key(id)));
            }
        }
        for ids in chunks(devices) {
            self.devices.extend(self.state.read_models.device_names(&ids).await?);
            let gone: Vec<_> = ids.into_iter().filter(|id| !self.devices.contains_key(id)).collect();
            if !gone.is_empty() {
                self.devices.extend(last_names(self.state, &gone).await?);
            }
        }
        for ids in chunks(users) {
            let mut emails = self.state.accounts.emails(&ids).await?;
            self.users.extend(ids.into_iter().map(|id| (id, emails.remove(&id).unwrap_or_else(|| id.to_string()))));
        }
        Ok(())
    }

    /// The device's name, once it is looked up; of a deleted one the last that it had.
    pub(super) fn device(&self, id: DeviceId) -> &str {
        self.devices.get(&id).map_or("", String::as_str)
    }

    /// The e-mail of the person who acted, once it is looked up; of somebody who has been erased the id.
    pub(super) fn user(&self, entry: &AuditEntry) -> Option<&str> {
        match entry.actor {
            Actor::User(id) => Some(self.users.get(&id).map_or("", String::as_str)),
            Actor::Device(_) | Actor::Gateway(_) | Actor::System => None,
        }
    }

    /// The customer's title; nothing if it is gone.
    pub(super) async fn customer(&mut self, id: CustomerId) -> Result<Option<String>, ApiError> {
        if !self.customers.contains_key(&id) {
            let customer = self.state.accounts.customer(id).await?;
            self.customers.insert(id, customer.map(|customer| customer.title));
        }
        Ok(self.customers.get(&id).cloned().flatten())
    }
}

fn chunks<T: Copy>(ids: HashSet<T>) -> Vec<Vec<T>> {
    ids.into_iter().collect::<Vec<_>>().chunks(AT_ONCE).map(<[T]>::to_vec).collect()
}

/// What deleted devices were called when they were.
async fn last_names(state: &ApiState, gone: &[DeviceId]) -> Result<HashMap<DeviceId, String>, ApiError> {
    let mut names: HashMap<_, _> = gone.iter().map(|id| (*id, String::new())).collect();
    for stored in state.feed.last_of_each(gone, &["DeviceRegistered", "DeviceChanged"]).await? {
        let event = stored.decode().map_err(|why| unreadable(stored.position, &why))?;
        if let DeviceEvent::DeviceRegistered { name, .. } | DeviceEvent::DeviceChanged { name, .. } = event {
            names.insert(stored.device_id, name);
        }
    }
    Ok(names)
}
