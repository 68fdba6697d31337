//! Devices whose keys nobody can read.

use std::fmt;

/// The most devices that are made before their labels are written. The names of so many are told.
pub(super) const MOST_AT_ONCE: usize = 512;

/// The names of devices that are there and have no label.
#[derive(Debug, Default)]
pub(crate) struct Unlabelled(pub(super) Vec<String>);

impl Unlabelled {
    /// How many.
    pub(crate) const fn count(&self) -> usize {
        self.0.len()
    }
}

/// What follows on how many there are: the names, and what to do.
impl fmt::Display for Unlabelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(names) = self;
        let told = names.iter().take(MOST_AT_ONCE).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if names.len() > MOST_AT_ONCE { ", …" } else { "" };
        writeln!(f, "are not in the output, so their keys are not known: {told}{more}")?;
        write!(f, "give them new ones by POST /api/devices/{{deviceId}}/claim-keys")
    }
}
