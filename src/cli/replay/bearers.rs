//! Finds the devices that ever bore a name.

use deed_adapters::Store;
use deed_domain::{
    device::DeviceEvent,
    ids::{DeviceId, Position},
    ports::Scope,
};
use deed_projections::Recorded;

use crate::cli::{exit::CliError, progress::Progress};

/// Events that are read at once.
const PAGE: usize = 1_000;
/// The events that give a device a name.
const NAMING: [&str; 2] = ["DeviceRegistered", "DeviceChanged"];

/// Every device that ever bore the name, in the order in which they got it; and what of the log cannot be read, which may
/// have given it to others.
///
/// # Errors
/// [`CliError::Store`] if the log cannot be read.
pub(super) async fn of(store: &dyn Store, name: &str) -> Result<(Vec<DeviceId>, Vec<String>), CliError> {
    let end = store.head().await?;
    let progress = Progress::start("searching");
    let (mut bearers, mut unread) = (Vec::new(), Vec::new());
    let mut after = Position(0);
    while after < end {
        let page = store.read_after(Scope::All, after, PAGE).await?;
        for stored in page.events.iter().filter(|event| NAMING.contains(&event.event_type.as_str())) {
            let bears = Recorded::decode(stored, |recorded| match recorded.event {
                DeviceEvent::DeviceRegistered { name: given, .. } | DeviceEvent::DeviceChanged { name: given, .. } => {
                    given == name
                }
                _ => false,
            });
            match bears {
                Ok(true) if !bearers.contains(&stored.device_id) => bearers.push(stored.device_id),
                Ok(_) => {}
                Err(why) => unread.push(why.to_string()),
            }
        }
        after = page.read_up_to;
        progress.report(after.0.min(end.0), end.0);
    }
    Ok((bearers, unread))
}
