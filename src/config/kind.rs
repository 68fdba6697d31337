//! What a setting's value may be.

use std::{fmt::Display, marker::PhantomData, net::IpAddr, path::PathBuf};

use serde_yaml_ng::Value;
use zeroize::Zeroizing;

use super::secret::Secret;

/// One kind of value: how it is read, how it is shown, what the reference says of it.
pub(crate) trait Kind {
    /// What it is read into.
    type Value;

    /// What the reference says a value has to be.
    fn name(&self) -> String;

    /// Reads a value from a file, or a text from elsewhere.
    ///
    /// # Errors
    /// What the value has to be, as the end of a sentence that begins with the setting's name.
    fn parse(&self, value: &Value) -> Result<Self::Value, String>;

    /// The value as it can be written in a file.
    fn show(&self, value: &Self::Value) -> String;
}

/// The kind itself; fixes what it is read into where that could be several types.
pub(crate) const fn for_type<T, K: Kind<Value = T>>(kind: K) -> K {
    kind
}

/// The value as a text, if it is a single value.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => None,
    }
}

fn scalar(kind: &impl Kind, value: &Value) -> Result<String, String> {
    text_of(value).map(|text| text.trim().to_owned()).ok_or_else(|| format!("must be {}", kind.name()))
}

/// `true` or `false`.
pub(crate) struct Boolean;

impl Kind for Boolean {
    type Value = bool;

    fn name(&self) -> String {
        "true or false".into()
    }

    fn parse(&self, value: &Value) -> Result<bool, String> {
        let text = scalar(self, value)?;
        text.to_lowercase().parse().map_err(|_| format!("must be {}, not `{text}`", self.name()))
    }

    fn show(&self, value: &bool) -> String {
        value.to_string()
    }
}

/// A switch that this version has in one position only.
pub(crate) struct Only {
    /// The position.
    pub(crate) position: bool,
    /// Why there is no other.
    pub(crate) why: &'static str,
}

impl Kind for Only {
    type Value = ();

    fn name(&self) -> String {
        format!("{} ({})", self.position, self.why)
    }

    fn parse(&self, value: &Value) -> Result<(), String> {
        let fits = Boolean.parse(value)? == self.position;
        if fits { Ok(()) } else { Err(format!("must be {}: {}", self.position, self.why)) }
    }

    fn show(&self, (): &()) -> String {
        self.position.to_string()
    }
}

/// A whole number within limits.
pub(crate) struct Whole<T> {
    least: i64,
    most: i64,
    unit: &'static str,
    of: PhantomData<T>,
}

impl<T> Whole<T> {
    /// Milliseconds, 1 or more.
    pub(crate) const fn milliseconds() -> Self {
        Self { least: 1, most: i64::MAX, unit: "milliseconds", of: PhantomData }
    }

    /// Minutes, 1 or more, and no more than milliseconds can hold.
    pub(crate) const fn minutes() -> Self {
        Self { least: 1, most: i64::MAX / 60_000, unit: "minutes", of: PhantomData }
    }

    /// Seconds, 1 or more, up to a century.
    pub(crate) const fn seconds() -> Self {
        Self { least: 1, most: 3_155_760_000, unit: "seconds", of: PhantomData }
    }

    /// How many; 0 has a meaning of its own.
    pub(crate) const fn count() -> Self {
        Self { least: 0, most: i32::MAX as i64, unit: "", of: PhantomData }
    }

    /// How many, within limits.
    pub(crate) const fn between(least: i64, most: i64) -> Self {
        Self { least, most, unit: "", of: PhantomData }
    }

    /// A port; 0 takes any that is free.
    pub(crate) const fn port() -> Self {
        Self { least: 0, most: u16::MAX as i64, unit: "", of: PhantomData }
    }
}

impl<T: TryFrom<i64> + Display> Kind for Whole<T> {
    type Value = T;

    fn name(&self) -> String {
        if self.unit.is_empty() { "a whole number".into() } else { self.unit.into() }
    }

    fn parse(&self, value: &Value) -> Result<T, String> {
        let text = scalar(self, value)?;
        let range = || match self.most {
            i64::MAX => format!("a whole number, at least {}", self.least),
            most => format!("a whole number from {} to {most}", self.least),
        };
        text.parse()
            .ok()
            .filter(|number| (self.least..=self.most).contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("must be {}, not `{text}`", range()))
    }

    fn show(&self, value: &T) -> String {
        value.to_string()
    }
}

/// A value that may be left out, or empty.
pub(crate) struct Optional<K>(pub(crate) K);

impl<K: Kind> Kind for Optional<K> {
    type Value = Option<K::Value>;

    fn name(&self) -> String {
        self.0.name()
    }

    fn parse(&self, value: &Value) -> Result<Self::Value, String> {
        if text_of(value).is_some_and(|text| text.trim().is_empty()) {
            return Ok(None);
        }
        self.0.parse(value).map(Some)
    }

    fn show(&self, value: &Self::Value) -> String {
        value.as_ref().map(|value| self.0.show(value)).unwrap_or_default()
    }
}

/// A text that is not empty.
pub(crate) struct Text;

impl Kind for Text {
    type Value = String;

    fn name(&self) -> String {
        "text".into()
    }

    fn parse(&self, value: &Value) -> Result<String, String> {
        match scalar(self, value)? {
            text if text.is_empty() => Err("must not be empty".into()),
            text => Ok(text),
        }
    }

    fn show(&self, value: &String) -> String {
        value.clone()
    }
}

/// A text that is never shown.
pub(crate) struct SecretText;

impl Kind for SecretText {
    type Value = Secret;

    fn name(&self) -> String {
        "text".into()
    }

    fn parse(&self, value: &Value) -> Result<Secret, String> {
        let text = text_of(value).ok_or("must be text")?;
        Ok(Secret::new(Zeroizing::new(text.into_bytes())))
    }

    fn show(&self, _: &Secret) -> String {
        String::new()
    }
}

/// A directory.
pub(crate) struct Directory;

impl Kind for Directory {
    type Value = PathBuf;

    fn name(&self) -> String {
        "a directory".into()
    }

    fn parse(&self, value: &Value) -> Result<PathBuf, String> {
        Text.parse(value).map(PathBuf::from)
    }

    fn show(&self, value: &PathBuf) -> String {
        value.display().to_string()
    }
}

/// A file.
pub(crate) struct File;

impl Kind for File {
    type Value = PathBuf;

    fn name(&self) -> String {
        "a file".into()
    }

    fn parse(&self, value: &Value) -> Result<PathBuf, String> {
        Text.parse(value).map(PathBuf::from)
    }

    fn show(&self, value: &PathBuf) -> String {
        value.display().to_string()
    }
}

/// An IP address of this machine.
pub(crate) struct Address;

impl Kind for Address {
    type Value = IpAddr;

    fn name(&self) -> String {
        "an IP address".into()
    }

    fn parse(&self, value: &Value) -> Result<IpAddr, String> {
        let text = scalar(self, value)?;
        text.parse().map_err(|_| format!("must be an IP address such as 0.0.0.0 or ::1, not `{text}`"))
    }

    fn show(&self, value: &IpAddr) -> String {
        value.to_string()
    }
}

/// One of some words, each with what it stands for.
pub(crate) struct Choice<T: 'static>(pub(crate) &'static [(&'static str, T)]);

impl<T: Copy + PartialEq> Kind for Choice<T> {
    type Value = T;

    fn name(&self) -> String {
        self.0.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
    }

    fn parse(&self, value: &Value) -> Result<T, String> {
        let text = scalar(self, value)?;
        let found = self.0.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| format!("must be {}, not `{text}`", self.name()))
    }

    fn show(&self, value: &T) -> String {
        self.0.iter().find(|(_, known)| known == value).map(|(word, _)| (*word).to_owned()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(text: &str) -> Value {
        serde_yaml_ng::from_str(text).unwrap()
    }

    #[test]
    fn booleans_come_as_such_and_as_texts() {
        for (text, flag) in [("true", true), ("'TRUE'", true), ("'false'", false), ("False", false)] {
            assert_eq!(Boolean.parse(&yaml(text)), Ok(flag), "{text}");
        }
        for text in ["yes", "1", "''", "[true]", "~"] {
            assert!(Boolean.parse(&yaml(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_keep_to_their_limits() {
        let port = Whole::<u16>::port();
        assert_eq!(port.parse(&yaml("8080")), Ok(8080));
        assert_eq!(port.parse(&yaml("' 0 '")), Ok(0));
        assert_eq!(port.parse(&yaml("65536")), Err("must be a whole number from 0 to 65535, not `65536`".into()));
        assert!(port.parse(&yaml("80.5")).is_err());
        let duration = Whole::<i64>::milliseconds();
        assert_eq!(duration.parse(&yaml("0")), Err("must be a whole number, at least 1, not `0`".into()));
        assert_eq!(duration.parse(&yaml("9223372036854775807")), Ok(i64::MAX));
        assert!(duration.parse(&yaml("9223372036854775808")).is_err());
    }

    #[test]
    fn a_switch_with_one_position_says_why() {
        let tls = Only { position: false, why: "because" };
        assert_eq!(tls.parse(&yaml("false")), Ok(()));
        assert_eq!(tls.parse(&yaml("true")), Err("must be false: because".into()));
    }

    #[test]
    fn words_are_read_and_shown() {
        let format = Choice(&[("text", 1), ("json", 2)]);
        assert_eq!(format.parse(&yaml("json")), Ok(2));
        assert_eq!(format.show(&2), "json");
        assert_eq!(format.parse(&yaml("xml")), Err("must be `text` or `json`, not `xml`".into()));
    }

    #[test]
    fn what_may_be_left_out_may_be_empty() {
        let optional = Optional(Whole::<i64>::milliseconds());
        assert_eq!(optional.parse(&yaml("''")), Ok(None));
        assert_eq!(optional.parse(&yaml("5")), Ok(Some(5)));
        assert!(optional.parse(&yaml("five")).is_err());
    }
}
