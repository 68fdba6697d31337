//! What every store's check looks at, whatever holds the log.

use deed_domain::{
    device::{Device, DeviceEvent},
    ids::{DeviceId, Sequence, TenantId},
    ports::RecordedEvent,
};
use deed_projections::Recorded;

/// Faults that are told one by one; more are only counted.
pub(crate) const TOLD: usize = 100;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Events that were read.
    pub events: u64,
    /// Devices that they are about.
    pub devices: u64,
    /// What is wrong, the first hundred faults; empty if nothing is.
    pub faults: Vec<String>,
    /// How many faults there are.
    pub fault_count: u64,
}

impl CheckReport {
    pub(crate) fn fault(&mut self, text: String) {
        self.fault_count += 1;
        if self.faults.len() < TOLD {
            self.faults.push(text);
        }
    }
}

/// The events of one device, as they are read in their order.
pub(crate) struct Stream {
    pub(crate) device_id: DeviceId,
    last: Sequence,
    device: Device,
    tenant_id: Option<TenantId>,
    /// An event is not known, so what follows it may seem to contradict it.
    is_interrupted: bool,
}

impl Stream {
    pub(crate) fn new(first: &RecordedEvent) -> Self {
        let device_id = first.device_id;
        Self { device_id, last: Sequence(0), device: Device::default(), tenant_id: None, is_interrupted: false }
    }

    pub(crate) fn check(&mut self, stored: &RecordedEvent, report: &mut CheckReport) {
        let RecordedEvent { position, device_id, sequence, .. } = stored;
        if *sequence != self.last.next() {
            let last = self.last;
            report.fault(format!(
                "device {device_id}: sequence {sequence} at position {position} follows sequence {last}"
            ));
            self.is_interrupted = true;
        }
        self.last = *sequence;
        let decoded = Recorded::decode(stored, |event| {
            if event.event.at() != event.recorded_at {
                report.fault(format!("event at position {position}: its time is not the time of its record"));
            }
            if let Some(why) = self.device.contradiction(event.event).filter(|_| !self.is_interrupted) {
                report.fault(format!("device {device_id}: position {position} cannot follow what is before it: {why}"));
            }
            self.device.evolve(event.event);
            if let DeviceEvent::DeviceRegistered { tenant_id, .. } = event.event {
                self.tenant_id.get_or_insert(*tenant_id);
            }
            if self.tenant_id.is_some_and(|tenant_id| tenant_id != event.metadata.tenant_id) {
                report.fault(format!("event at position {position}: recorded for another tenant than its device's"));
            }
        });
        if let Err(why) = decoded {
            report.fault(why.to_string());
            self.is_interrupted = true;
        }
    }
}

/// What to do about a read model that does not follow from the log.
pub(crate) fn advice(read_model: &str, has_lost_events: bool, is_log_whole: bool) -> String {
    if has_lost_events {
        "events were lost, restore a backup".to_owned()
    } else if is_log_whole {
        format!(
            "keep a copy, as either may be what was changed, and `deed rebuild {read_model}` makes it follow the log"
        )
    } else {
        // It may be the last that knows of what the log has lost.
        "the log is damaged, restore a backup".to_owned()
    }
}
