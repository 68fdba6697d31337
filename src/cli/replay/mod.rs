//! `deed replay`

mod bearers;
mod describe;
mod names;
mod story;

use std::{
    collections::BTreeSet,
    io::{self, BufWriter, Write},
};

use clap::Args;
use deed_adapters::Store;
use deed_domain::time::Timestamp;
use jiff::Timestamp as Instant;

use self::{names::Names, story::Story};
use super::{
    exit::CliError,
    shared::{Location, runtime},
};

/// Tell what happened to a device, step by step
///
/// Every device that ever bore the name is told, removed ones too, each with its state in the end. Reads beside a
/// running server. What of the log cannot be read is named, the rest is told, and the status is 65.
#[derive(Args, Debug)]
pub(super) struct Replay {
    /// The device's name, now or once
    #[arg(long, value_name = "NAME")]
    device: String,

    /// Up to this time: RFC 3339 such as 2026-01-31T12:00:00Z, or milliseconds since the epoch [default: now]
    #[arg(long, value_name = "TIME", value_parser = point_in_time)]
    at: Option<Timestamp>,

    /// One JSON object a line and device, instead of a text for people
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    location: Location,
}

impl Replay {
    pub(super) fn run(self) -> Result<(), CliError> {
        runtime()?.block_on(async { self.tell(&*self.location.open_read_only().await?).await })
    }

    async fn tell(&self, store: &dyn Store) -> Result<(), CliError> {
        let until = self.at.unwrap_or(Timestamp::MAX);
        let (bearers, mut unread) = bearers::of(store, &self.device).await?;
        let mut out = BufWriter::new(io::stdout().lock());
        let mut names = Names::new(store);
        let mut told = false;
        for device_id in bearers {
            let story = Story::read(store, device_id, until).await?;
            if story.is_empty() {
                continue;
            }
            if self.json {
                story.write_json(&mut out)?;
            } else {
                if told {
                    writeln!(out)?;
                }
                story.write_text(&mut out, &mut names).await?;
            }
            told = true;
            unread.extend(story.into_unread());
        }
        out.flush()?;
        if !unread.is_empty() {
            // Each once: what names a bearer is met again in its story.
            let faults: BTreeSet<_> = unread.into_iter().collect();
            for fault in faults {
                writeln!(io::stderr(), "deed: {fault}")?;
            }
            return Err(CliError::Damaged);
        }
        if told {
            return Ok(());
        }
        let when = self.at.map(|at| format!(" up to {}", readable(at))).unwrap_or_default();
        Err(CliError::NotFound(format!("no device bore the name {:?}{when}", self.device)))
    }
}

/// A time in either form.
pub(super) fn point_in_time(text: &str) -> Result<Timestamp, String> {
    if let Ok(milliseconds) = text.parse() {
        return Ok(Timestamp(milliseconds));
    }
    let instant: Instant = text.parse().map_err(|_| "neither RFC 3339 nor milliseconds since the epoch".to_owned())?;
    Ok(Timestamp(instant.as_millisecond()))
}

/// The time for people: UTC, to the millisecond.
pub(super) fn readable(time: Timestamp) -> String {
    // What lies beyond the calendar stays a number.
    Instant::from_millisecond(time.0).map_or_else(|_| format!("{time} ms"), |instant| format!("{instant:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms_and_told_in_one() {
        let time = Timestamp(1_769_860_800_123);
        assert_eq!(point_in_time("1769860800123"), Ok(time));
        assert_eq!(point_in_time("2026-01-31T12:00:00.123Z"), Ok(time));
        assert_eq!(point_in_time("2026-01-31T13:00:00.123+01:00"), Ok(time));
        assert_eq!(readable(time), "2026-01-31T12:00:00.123Z");
        assert_eq!(readable(Timestamp::MAX), "9223372036854775807 ms");
        for text in ["", "yesterday", "2026-01-31"] {
            assert!(point_in_time(text).is_err(), "{text}");
        }
    }
}
