//! `log`: what the service tells about itself.

use serde_yaml_ng::Value;
use tracing_subscriber::EnvFilter;

use crate::config::{
    kind::{Choice, Kind, Text},
    setting::section,
};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

section! {
    /// Log
    pub(crate) struct LogSettings {
        /// How log lines look: for people, or one JSON object a line. They go to the standard error stream.
        format: LogFormat = Choice(&[("text", LogFormat::Text), ("json", LogFormat::Json)]) => {
            key: "log.format",
            variable: "DEED_LOG_FORMAT",
            default: "text",
        }
        /// What is logged: `error`, `warn`, `info`, `debug` or `trace`, also per part, as `info,deed_api=debug`.
        level: String = Level => {
            key: "log.level",
            variable: "DEED_LOG_LEVEL",
            default: "info",
        }
    }
}

struct Level;

impl Kind for Level {
    type Value = String;

    fn name(&self) -> String {
        "levels".into()
    }

    fn parse(&self, value: &Value) -> Result<String, String> {
        let text = Text.parse(value)?;
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        // A filter takes any single word for the name of a part, and a misspelt level would silence everything.
        let known = |part: &str| part.contains('=') || levels.contains(&part.trim().to_lowercase().as_str());
        if text.split(',').all(known) && EnvFilter::builder().parse(&text).is_ok() {
            Ok(text)
        } else {
            Err(format!("must be one of {}, or such levels per part, not `{text}`", levels.join(", ")))
        }
    }

    fn show(&self, value: &String) -> String {
        value.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_refused() {
        for text in ["info", "WARN", "info,deed_api=debug,hyper=off"] {
            assert!(Level.parse(&text.into()).is_ok(), "{text}");
        }
        for text in ["inof", "", "info,", "deed_api=loud"] {
            assert!(Level.parse(&text.into()).is_err(), "{text}");
        }
    }
}
