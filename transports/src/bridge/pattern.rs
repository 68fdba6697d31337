//! Topics in which one level says which device it is.

use std::{fmt, str::FromStr};

/// What one level of a topic says of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceLevel {
    /// What it is called.
    Name,
    /// Its access token.
    Token,
}

/// A topic with one level that is a device's: `fleet/+/{name}/claim`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPattern {
    levels: Vec<String>,
    at: usize,
    level: DeviceLevel,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPattern {
    /// There is no place for the device, or more than one.
    #[error("one level has to be {{name}} or {{token}}, and no other")]
    Device,
    /// A wildcard stands where it means nothing.
    #[error("a level is a text, +, {{name}} or {{token}}")]
    Level,
    /// It is longer than a topic may be.
    #[error("it is longer than a topic may be")]
    TooLong,
}

const LONGEST: usize = 65_535;
const ANY: &str = "+";

impl FromStr for TopicPattern {
    type Err = NotAPattern;

    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        if text.len() > LONGEST {
            return Err(NotAPattern::TooLong);
        }
        let levels: Vec<String> = text.split('/').map(str::to_owned).collect();
        let device = |level: &String| match level.as_str() {
            "{name}" => Some(DeviceLevel::Name),
            "{token}" => Some(DeviceLevel::Token),
            _ => None,
        };
        let mut found = levels.iter().enumerate().filter_map(|(at, level)| Some((at, device(level)?)));
        let (Some((at, level)), None) = (found.next(), found.next()) else { return Err(NotAPattern::Device) };
        let is_text = |text: &str| !text.chars().any(|letter| "+#{}".contains(letter) || letter.is_control());
        let is_level = |(n, level): (usize, &String)| n == at || level == ANY || is_text(level);
        if !levels.iter().enumerate().all(is_level) {
            return Err(NotAPattern::Level);
        }
        Ok(Self { levels, at, level })
    }
}

impl TopicPattern {
    /// What the level of the device says.
    pub const fn level(&self) -> DeviceLevel {
        self.level
    }

    /// Whether it leaves something open besides the device.
    pub fn has_wildcard(&self) -> bool {
        self.levels.iter().any(|level| level == ANY)
    }

    /// The filter that a broker is asked for.
    pub fn filter(&self) -> String {
        self.with(ANY)
    }

    /// What stands in the topic at the device's level; nothing if the topic is another one, or nothing stands there.
    pub fn device<'topic>(&self, topic: &'topic str) -> Option<&'topic str> {
        let mut levels = topic.split('/');
        let mut device = None;
        for (n, level) in self.levels.iter().enumerate() {
            let found = levels.next()?;
            if n == self.at {
                device = Some(found);
            } else if level != ANY && level != found {
                return None;
            }
        }
        device.filter(|device| levels.next().is_none() && !device.is_empty())
    }

    /// The topic for that device.
    pub fn with(&self, device: &str) -> String {
        let levels: Vec<_> =
            self.levels.iter().enumerate().map(|(n, level)| if n == self.at { device } else { level }).collect();
        levels.join("/")
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.levels.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Result<TopicPattern, NotAPattern> {
        text.parse()
    }

    #[test]
    fn a_topic_says_which_device_it_is() {
        let fleet = pattern("fleet/+/{name}/claim").unwrap();
        assert_eq!((fleet.filter().as_str(), fleet.level()), ("fleet/+/+/claim", DeviceLevel::Name));
        assert_eq!(fleet.device("fleet/eu/Pump 7/claim"), Some("Pump 7"));
        for other in ["fleet/eu/Pump 7", "fleet/eu/Pump 7/claim/x", "fleet/eu//claim", "flees/eu/Pump 7/claim", ""] {
            assert_eq!(fleet.device(other), None, "{other}");
        }
        assert_eq!(pattern("{token}").unwrap().device("A1"), Some("A1"));
        assert_eq!(pattern("/c/{name}").unwrap().with("D"), "/c/D");
        assert_eq!(fleet.to_string(), "fleet/+/{name}/claim");
    }

    #[test]
    fn anything_else_is_no_pattern() {
        for text in ["", "claim", "{name}/{token}", "{name}/{name}", "a{name}"] {
            assert_eq!(pattern(text), Err(NotAPattern::Device), "{text}");
        }
        for text in ["#/{name}", "{name}/#", "a+/{name}", "{name}/{device}", "{name}/a\0"] {
            assert_eq!(pattern(text), Err(NotAPattern::Level), "{text}");
        }
        assert_eq!(pattern(&format!("{{name}}/{}", "x".repeat(LONGEST))), Err(NotAPattern::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_put_in_comes_out(device in "[^/+#]{1,20}", topic in "\\PC{0,30}") {
            let fleet = pattern("a/{token}/b").unwrap();
            let named = fleet.with(&device);
            prop_assert_eq!(fleet.device(&named), Some(device.as_str()));
            let _ = fleet.device(&topic);
            let _ = pattern(&topic);
        }
    }
}
