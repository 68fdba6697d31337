//! One device's history, and what it adds up to.

use std::io::{self, Write};

use deed_adapters::Store;
use deed_domain::{
    codec,
    device::{Device, DeviceEvent, Registered},
    ids::{DeviceId, Position},
    metadata::Metadata,
    ports::{RecordedEvent, Scope},
    time::Timestamp,
};
use deed_projections::Recorded;
use serde_json::{Value, json};

use super::{
    describe::{describe, key},
    names::Names,
    readable,
};
use crate::cli::exit::CliError;

/// Events that are read at once.
const PAGE: usize = 1_000;

/// One device's history up to some time, and what it adds up to.
pub(super) struct Story {
    device_id: DeviceId,
    steps: Vec<Step>,
    device: Device,
    unread: Option<String>,
}

struct Step {
    stored: RecordedEvent,
    event: DeviceEvent,
    metadata: Metadata,
}

impl Story {
    /// Reads and folds the device's events that were recorded up to and including `until`, or up to one that cannot be
    /// read.
    ///
    /// # Errors
    /// [`CliError`] if the log cannot be read.
    pub(super) async fn read(store: &dyn Store, device_id: DeviceId, until: Timestamp) -> Result<Self, CliError> {
        let mut story = Self { device_id, steps: Vec::new(), device: Device::default(), unread: None };
        let mut after = Position(0);
        loop {
            let page = store.read_after(Scope::Device(device_id), after, PAGE).await?;
            let is_last = page.events.len() < PAGE;
            for stored in page.events {
                if stored.recorded_at > until {
                    return Ok(story);
                }
                if let Err(why) = story.add(stored) {
                    story.unread = Some(why);
                    return Ok(story);
                }
            }
            if is_last {
                return Ok(story);
            }
            after = page.read_up_to;
        }
    }

    fn add(&mut self, stored: RecordedEvent) -> Result<(), String> {
        if stored.sequence.0 != self.steps.len() as u64 + 1 {
            return Err(format!("an event of the device before position {} is missing", stored.position));
        }
        let decoded = Recorded::decode(&stored, |recorded| (recorded.event.clone(), recorded.metadata.clone()));
        let (event, metadata) = decoded.map_err(|why| why.to_string())?;
        self.device.evolve(&event);
        self.steps.push(Step { stored, event, metadata });
        Ok(())
    }

    /// Whether nothing had happened yet.
    pub(super) const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What cannot be read, and ended the story early.
    pub(super) fn into_unread(self) -> Option<String> {
        self.unread
    }

    /// One JSON object on a line of its own: the device, its events as the audit API tells them, and its state.
    ///
    /// # Errors
    /// What the output says against it.
    pub(super) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        let events: Vec<_> = self.steps.iter().map(Step::to_json).collect();
        let mut state = serde_json::to_value(&self.device)?;
        hide_digests(&mut state);
        let state = if self.unread.is_some() { Value::Null } else { state };
        let story = json!({ "deviceId": self.device_id, "events": events, "state": state });
        writeln!(out, "{story}")
    }

    /// A text for people.
    ///
    /// # Errors
    /// [`CliError`] if a name cannot be looked up or the output cannot be written.
    pub(super) async fn write_text(&self, out: &mut impl Write, names: &mut Names<'_>) -> Result<(), CliError> {
        if let Some(first) = self.steps.first() {
            writeln!(out, "device {} of tenant {}", self.device_id, first.metadata.tenant_id)?;
        }
        for Step { stored, event, metadata } in &self.steps {
            let (what, who) = (describe(event, names).await?, names.actor(metadata.actor).await?);
            let (time, name) = (readable(stored.recorded_at), codec::event_type(event));
            let transport = metadata.transport.as_str();
            write!(out, "{:>5}  {time}  {name:<18}", stored.sequence.0)?;
            writeln!(out, "  {what}{}[{who}, {transport}]", if what.is_empty() { "" } else { "  " })?;
        }
        if let Some(why) = &self.unread {
            writeln!(out, "What followed is not told: {why}")?;
            return Ok(());
        }
        match &self.device {
            Device::Unregistered | Device::Removed => writeln!(out, "In the end: removed")?,
            Device::Registered(device) => write_state(device, out, names).await?,
        }
        Ok(())
    }
}

async fn write_state(device: &Registered, out: &mut impl Write, names: &mut Names<'_>) -> Result<(), CliError> {
    match &device.owner {
        Some(owner) => {
            let customer = names.customer(owner.customer_id).await?;
            writeln!(out, "In the end: owned by {customer} since {}", readable(owner.since))?;
        }
        None => writeln!(out, "In the end: owned by nobody")?,
    }
    for active in &device.keys {
        writeln!(out, "  {} works until {}", key(active.key_id), readable(active.expires_at))?;
    }
    Ok(())
}

impl Step {
    fn to_json(&self) -> Value {
        let Self { stored, event, metadata } = self;
        // The payload is the event under its name.
        let mut data = serde_json::to_value(event).ok().and_then(|value| value.get(&stored.event_type).cloned());
        data.iter_mut().for_each(hide_digests);
        json!({
            "position": stored.position,
            "sequence": stored.sequence,
            "eventType": stored.event_type,
            "eventVersion": stored.event_version,
            "recordedAt": stored.recorded_at,
            "actor": metadata.actor.to_string(),
            "transport": metadata.transport.as_str(),
            "correlationId": metadata.correlation_id,
            "data": data,
        })
    }
}

/// Takes out what is stored of keys: it helps nobody but who holds the pepper and wants to guess.
fn hide_digests(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("digest");
            members.values_mut().for_each(hide_digests);
        }
        Value::Array(items) => items.iter_mut().for_each(hide_digests),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
