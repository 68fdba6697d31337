//! Names as they are now: people and organisations stand in the log by id, so that they can be erased.

use std::collections::HashMap;

use deed_domain::{
    device::DeviceEvent,
    ids::{CustomerId, DeviceId, Position, UserId},
    ports::Scope,
};

use crate::{endpoints::audit::unreadable, error::ApiError, state::ApiState};

const PAGE: usize = 1_000;

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

    /// The device's name; of a deleted one the last that it had.
    pub(super) async fn device(&mut self, id: DeviceId) -> Result<&str, ApiError> {
        if !self.devices.contains_key(&id) {
            let name = match self.state.read_models.device(id).await? {
                Some(row) => row.name,
                None => last_name(self.state, id).await?,
            };
            self.devices.insert(id, name);
        }
        Ok(self.devices.get(&id).map_or("", String::as_str))
    }

    /// The person's e-mail; of somebody who has been erased the id.
    pub(super) async fn user(&mut self, id: UserId) -> Result<&str, ApiError> {
        if !self.users.contains_key(&id) {
            let user = self.state.accounts.user(id).await?;
            self.users.insert(id, user.map_or_else(|| id.to_string(), |user| user.email));
        }
        Ok(self.users.get(&id).map_or("", String::as_str))
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

async fn last_name(state: &ApiState, id: DeviceId) -> Result<String, ApiError> {
    let (mut last, mut after) = (String::new(), Position(0));
    loop {
        let page = state.feed.read_after(Scope::Device(id), after, PAGE).await?;
        for stored in &page.events {
            let event = stored.decode().map_err(|why| unreadable(stored.position, &why))?;
            if let DeviceEvent::DeviceRegistered { name, .. } | DeviceEvent::DeviceChanged { name, .. } = event {
                last = name;
            }
        }
        if page.events.len() < PAGE {
            return Ok(last);
        }
        after = page.read_up_to;
    }
}
