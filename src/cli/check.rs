//! `deed check`

use std::io::{self, Write};

use clap::Args;
use deed_adapters::CheckReport;

use super::{
    exit::CliError,
    progress::Progress,
    shared::{Location, runtime},
};

/// Check that the log is whole and the read models follow from it
///
/// A SQLite file whole, indexes included; positions without gaps, sequences contiguous, every event readable and able to follow
/// those before it, and each read model equal to one filled anew. Reads one moment of the database and changes nothing, beside a running server too.
///
/// What stands beside the log follows from nothing, and is not looked at: users, customers, devices' tokens and certificates,
/// profiles, attributes.
#[derive(Args, Debug)]
pub(super) struct Check {
    #[command(flatten)]
    location: Location,
}

impl Check {
    pub(super) fn run(self) -> Result<(), CliError> {
        let report = runtime()?.block_on(async {
            let store = self.location.open_read_only().await?;
            let progress = Progress::start("checking");
            Ok::<_, CliError>(store.check(&mut |done, total| progress.report(done, total)).await?)
        })?;
        // Damage is told by the status, too, whether or not anybody reads what it is.
        let told = tell(&report);
        if report.fault_count == 0 { Ok(told?) } else { Err(CliError::Damaged) }
    }
}

fn tell(report: &CheckReport) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for fault in &report.faults {
        writeln!(out, "{fault}")?;
    }
    let untold = report.fault_count.saturating_sub(report.faults.len() as u64);
    if untold > 0 {
        writeln!(out, "and {untold} more")?;
    }
    writeln!(out, "{} events of {} devices, {} faults", report.events, report.devices, report.fault_count)?;
    out.flush()
}
