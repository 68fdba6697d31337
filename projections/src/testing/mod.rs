//! A kit to test projections with: given these recorded events, this read model.
//!
//! A [`History`] is a list of recorded events, told step by step or read from a file that `deed export` wrote. A
//! [`ReadModel`] is what a projection's changes are applied to: a few lines around a map. [`read_model`] puts the two
//! together. What comes out can be compared, or, if it is `Serialize`, kept as a snapshot.
//!
//! ```
//! use deed_domain::{device::DeviceEvent, ids::{DeviceId, TenantId}, time::Timestamp};
//! use deed_projections::{Projection, Recorded, testing::{History, ReadModel, read_model}};
//! # use deed_domain::ids::ProfileId;
//! # let uuid = "01941f29-7c00-7000-8000-000000000001".parse::<DeviceId>()?.0;
//! # let (tenant, device, profile) = (TenantId(uuid), DeviceId(uuid), ProfileId(uuid));
//!
//! /// How many devices were ever added.
//! struct DevicesEverAdded;
//!
//! impl Projection for DevicesEverAdded {
//!     const NAME: &'static str = "devices_ever_added";
//!     const VERSION: u32 = 1;
//!     type Change = DeviceId;
//!
//!     fn project(event: &Recorded<'_>, changes: &mut Vec<DeviceId>) {
//!         if matches!(event.event, DeviceEvent::DeviceRegistered { .. }) {
//!             changes.push(event.device_id);
//!         }
//!     }
//! }
//!
//! #[derive(Default, serde::Serialize)]
//! struct Count(usize);
//!
//! impl ReadModel<DeviceId> for Count {
//!     fn apply(&mut self, _added: DeviceId) {
//!         self.0 += 1;
//!     }
//! }
//!
//! let registered = DeviceEvent::DeviceRegistered {
//!     at: Timestamp(1_735_689_600_000),
//!     tenant_id: tenant,
//!     name: "D-1".into(),
//!     device_type: "default".into(),
//!     label: None,
//!     profile_id: profile,
//! };
//! let removed = DeviceEvent::DeviceRemoved { at: Timestamp(1_735_689_700_000) };
//! let history = History::new().then(device, registered).then(device, removed);
//!
//! insta::assert_json_snapshot!(read_model::<DevicesEverAdded, Count>(&history)?, @"1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The read models of the service's own projections are here, too ([`InMemoryDeviceList`] and its like).

mod export;
mod history;
mod models;

pub use export::{ExportError, ExportFault};
pub use history::History;
pub use models::{InMemoryActiveKeys, InMemoryClaimHistory, InMemoryDeviceList, InMemoryOwnership};

use crate::{Projection, Recorded, Undecodable};

/// What a projection's changes are applied to.
pub trait ReadModel<Change>: Default {
    /// Applies one change.
    fn apply(&mut self, change: Change);
}

/// The read model that the projection makes of the history.
///
/// # Errors
/// [`Undecodable`] if an event cannot be read; the service's projections stop there, too.
pub fn read_model<P, R>(history: &History) -> Result<R, Undecodable>
where
    P: Projection,
    R: ReadModel<P::Change>,
{
    let mut model = R::default();
    let mut changes = Vec::new();
    for stored in history.events() {
        Recorded::decode(stored, |event| P::project(event, &mut changes))?;
        changes.drain(..).for_each(|change| model.apply(change));
    }
    Ok(model)
}
