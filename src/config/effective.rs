//! What is in effect, as `deed config` prints it: a file that could be used as it is, but for the secrets.

use std::fmt::Write;

use super::{Loaded, sources::Effective};

impl Loaded {
    /// Every setting with its value and where it comes from. Secrets are commented out and not shown.
    pub(crate) fn to_yaml(&self) -> String {
        let mut text = String::new();
        for Effective { key, value, is_hidden, origin } in &self.effective {
            // Writing to a text does not fail.
            let _ = match value {
                Some(value) => writeln!(text, "{key}: {}  # {origin}", quoted(value)),
                None if *is_hidden => writeln!(text, "# {key}: ***  # {origin}"),
                None => writeln!(text, "# {key}:  # not set"),
            };
        }
        text
    }
}

/// The text as YAML reads it back; in quotes unless it is plainly a word or a number.
fn quoted(text: &str) -> String {
    let is_plain =
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}
