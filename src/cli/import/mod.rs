//! `deed import`

mod columns;
mod device;
mod input;
mod labels;
mod unlabelled;

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use deed_adapters::Store;
use deed_domain::{
    claims::Claims,
    ids::TenantId,
    import::Delimiter,
    ports::StoreError,
    time::{DAY, HOUR},
};

use self::{
    device::{Added, LabelledDevice, add},
    input::Input,
    labels::Labels,
};
pub(super) use self::{labels::is_stream, unlabelled::Unlabelled};
use super::{
    exit::CliError,
    progress::Progress,
    shared::{Issuing, Location, runtime},
    tenant,
};
use crate::config::Loaded;

/// Add devices from a CSV file, and write what goes on their labels
///
/// Each line of FILE adds a device with its access token and a claim key that its buyer claims it with; both are made where
/// the file has none. Once a device is on disk, its line is written to the output: name, type, label, secretKey,
/// expirationTime (milliseconds), expires (RFC 3339), accessToken, deviceId. This output is the only place where the keys
/// can be read.
///
/// The import ends when a label cannot be written, and names the devices that were made without one.
///
/// Devices whose names are there already are left as they are, so an import that was cut off is simply started again, with
/// the same --out. No server may run on a SQLite file meanwhile, beside one import by POST /api/device/bulk_import; nodes on
/// PostgreSQL may run.
#[derive(Args, Debug)]
#[command(after_help = COLUMNS)]
pub(super) struct Import {
    /// The devices: CSV whose first line names the columns; - reads the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Where the labels go: a file that only its owner may read, to whose end they are added, or a pipe [default: standard
    /// output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Whose devices they are, by title or id; not needed if there is one tenant only
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,

    /// How long a key can be claimed with, where the file does not say: a number and m, h, d or w
    #[arg(long, value_name = "DURATION", default_value = "365d", value_parser = duration)]
    valid_for: i64,

    /// What stands between two cells: one character
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = delimiter)]
    delimiter: Delimiter,

    #[command(flatten)]
    location: Location,
}

const COLUMNS: &str = "\
Columns (only name is needed; capitals, blanks, hyphens and underscores in their names do not matter):
  name              unique among the tenant's devices
  type              the name of its profile, made if there is none [default: the tenant's default profile]
  label             a text for people
  description       another one
  gateway           true or false
  secretKey         the claim key [default: a made one, such as 7KQM-2WXR-HT4P-9BDE]
  expirationTime    when it runs out: RFC 3339, or milliseconds since the epoch [default: see --valid-for]
  accessToken       what the device authenticates with [default: a made one]
  mqttClientId, mqttUserName, mqttPassword, certificate
                    other credentials, instead of a token
  claimingAllowed   true or false: whether the device itself may register keys
  server:KEY, shared:KEY
                    attributes; server:claimingData is the claim key and its time in one, instead of secretKey and
                    expirationTime: {\"secretKey\": \"…\", \"expirationTime\": <milliseconds>}";

impl Import {
    pub(super) fn run(self) -> Result<(), CliError> {
        let input = Input::read(&self.file, self.delimiter)?;
        let Loaded { config, .. } = self.location.load(&[])?;
        runtime()?.block_on(async {
            let Issuing { store, claims, _locks } = Issuing::open(&config, "import").await?;
            let tenant_id = tenant::find(&*store, self.tenant.as_deref(), "--tenant").await?;
            let imported = self.import(input, &store, &claims, tenant_id).await;
            store.close().await;
            imported
        })
    }

    async fn import(
        &self,
        input: Input,
        store: &Arc<dyn Store>,
        claims: &Claims,
        tenant_id: TenantId,
    ) -> Result<(), CliError> {
        let now = store.time().now();
        let mut labels = Labels::open(self.out.as_deref())?;
        let progress = Progress::counting("importing", "devices");
        let total = input.lines.len();
        let (mut done, mut failed) = (0, 0);
        let mut there = Vec::new();
        let mut lines = input.lines.into_iter().peekable();
        // Devices that are added together. Few at first, so that an output that cannot be written costs few keys.
        let mut at_once = 1;
        while lines.peek().is_some() {
            let batch = lines.by_ref().take(at_once).map(|line| {
                let device = line.device.and_then(|device| LabelledDevice::make(device, claims, now, self.valid_for));
                let (store, claims) = (Arc::clone(store), claims.clone());
                let added = async move { add(&*store, &claims, tenant_id, device?).await };
                (line.number, tokio::spawn(added))
            });
            // What stops the import; the labels of those that were added beside it are written first.
            let mut stopped = Ok(());
            for (number, task) in batch.collect::<Vec<_>>() {
                done += 1;
                match task.await {
                    Ok(Ok(Added::New(label))) => labels.add(label),
                    Ok(Ok(Added::Known(name))) => there.push(name),
                    Ok(Err(LineFailure::Store(error))) => stopped = Err(error.into()),
                    Err(why) => stopped = Err(CliError::System(why.to_string())),
                    Ok(Err(LineFailure::Line(why))) => {
                        failed += 1;
                        progress.tell(&format!("line {number}: {why}"));
                    }
                }
            }
            labels.write()?;
            stopped?;
            progress.report(done, total as u64);
            at_once = labels.most_at_once().min(at_once * 2);
        }
        drop(progress);
        tell_known(there, &labels);
        if failed == 0 { Ok(()) } else { Err(CliError::Lines { failed, total }) }
    }
}

/// Why a line added no device.
enum LineFailure {
    /// It is the line's own.
    Line(String),
    /// Nothing further can be added.
    Store(StoreError),
}

/// Notes the devices that were there. One that is in no line of the output has a key that nobody knows.
#[expect(clippy::print_stderr, reason = "a note to whoever runs the command")]
fn tell_known(there: Vec<String>, labels: &Labels) {
    if there.is_empty() {
        return;
    }
    eprintln!("{} devices were there already and are left as they are", there.len());
    if let Some(unlabelled) = labels.without(there).filter(|unlabelled| unlabelled.count() > 0) {
        eprintln!("{} of them {unlabelled}", unlabelled.count());
    }
}

/// A number and a unit, in milliseconds.
pub(super) fn duration(text: &str) -> Result<i64, String> {
    let wrong = || "must be a number and a unit: m, h, d or w, such as 90d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let unit = match unit {
        "m" => HOUR / 60,
        "h" => HOUR,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return Err(wrong()),
    };
    let number: i64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).filter(|milliseconds| *milliseconds > 0).ok_or_else(wrong)
}

fn delimiter(text: &str) -> Result<Delimiter, String> {
    Delimiter::parse(text).map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("90d"), Ok(90 * DAY));
        assert_eq!((duration("30m"), duration("12h"), duration("2w")), (Ok(1_800_000), Ok(12 * HOUR), Ok(14 * DAY)));
        for text in ["", "d", "90", "0d", "-1d", "1.5d", "1y", "9223372036854775807w", "9ü"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
