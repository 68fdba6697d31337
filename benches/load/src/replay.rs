//! Folding the log again, on one core.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use deed_adapters::{
    sqlite::{SqliteOptions, SqliteStore},
    surroundings::SystemClock,
};
use deed_domain::{
    device::Device,
    ids::{DeviceId, Position},
    ports::{Feed, RecordedEvent, Scope},
};

use crate::{Failure, phase::now};

/// Reads the whole log into memory, then decodes and folds it; says how fast each was.
pub(crate) async fn measure(database: PathBuf) -> Result<String, Failure> {
    let store = SqliteStore::open(SqliteOptions::read_only(database), Arc::new(SystemClock))?;
    let started = now();
    let mut log: Vec<RecordedEvent> = Vec::new();
    let mut after = Position(0);
    loop {
        let page = store.read_after(Scope::All, after, 10_000).await?;
        after = page.read_up_to;
        if page.events.is_empty() {
            break;
        }
        log.extend(page.events);
    }
    let reading = started.elapsed();
    let started = now();
    let mut devices: HashMap<DeviceId, Device> = HashMap::new();
    for stored in &log {
        devices.entry(stored.device_id).or_default().evolve(&stored.decode()?);
    }
    let folding = started.elapsed();
    #[expect(clippy::cast_precision_loss, reason = "a number of events")]
    let per_second = |time: std::time::Duration| log.len() as f64 / time.as_secs_f64();
    Ok(format!(
        "replay of {} events of {} devices, one core: {:.0} read, {:.0} decoded and folded, {:.0} in all per second",
        log.len(),
        devices.len(),
        per_second(reading),
        per_second(folding),
        per_second(reading + folding)
    ))
}
