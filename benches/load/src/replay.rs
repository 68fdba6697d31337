//! Folding the log again, on one core.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use deed_adapters::{
    sqlite::{SqliteOptions, SqliteStore},
    surroundings::SystemClock,
};
use deed_domain::{
    device::Device,
    ids::{DeviceId, Position},
    ports::{Feed, Scope},
};

use crate::{Failure, phase::now};

/// Events read at once.
const PAGE: usize = 1_000;

/// Reads the whole log a page at a time, decodes and folds it; says how fast each was.
pub(crate) async fn measure(database: PathBuf) -> Result<String, Failure> {
    let store = SqliteStore::open(SqliteOptions::read_only(database), Arc::new(SystemClock))?;
    let mut devices: HashMap<DeviceId, Device> = HashMap::new();
    let (mut after, mut events) = (Position(0), 0);
    let (mut reading, mut folding) = (Duration::ZERO, Duration::ZERO);
    loop {
        let started = now();
        let page = store.read_after(Scope::All, after, PAGE).await?;
        reading += started.elapsed();
        if page.events.is_empty() {
            break;
        }
        after = page.read_up_to;
        events += page.events.len();
        let started = now();
        for stored in &page.events {
            devices.entry(stored.device_id).or_default().evolve(&stored.decode()?);
        }
        folding += started.elapsed();
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of events")]
    let per_second = |time: Duration| events as f64 / time.as_secs_f64();
    Ok(format!(
        "replay of {events} events of {} devices, one core: {:.0} read, {:.0} decoded and folded, {:.0} in all per second",
        devices.len(),
        per_second(reading),
        per_second(folding),
        per_second(reading + folding)
    ))
}
