//! A configuration file: YAML, taken apart into dotted names.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde_yaml_ng::Value;

use super::{
    kind::text_of,
    setting::Setting,
    sources::{Fault, Origin},
};

/// A file's values by dotted name.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    values: BTreeMap<String, Value>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It cannot be read.
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// It is no YAML.
    #[error("{} is not valid YAML: {why}", path.display())]
    NotYaml {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It has something in a place where names are expected.
    #[error("{}: {fault}", path.display())]
    Structure {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: Fault,
    },
}

/// What is wrong, unless it repeats a value, which may be a secret.
fn without_values(why: &serde_yaml_ng::Error, document: &str) -> String {
    let text = why.to_string();
    if !text.contains("invalid value: ") && !text.contains("invalid type: ") {
        return text;
    }
    let Some(place) = why.location() else { return "a value cannot be read".to_owned() };
    let line = document.lines().nth(place.line().saturating_sub(1)).unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let of = match line.split_once(':').map(|(name, _)| name.trim()) {
        Some(name) if !name.is_empty() && name.chars().all(is_name) => format!("the value of {name}"),
        _ => "a value".to_owned(),
    };
    format!("{of} at line {} column {} is too large a number or does not fit its tag", place.line(), place.column())
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn read(path: &Path) -> Result<Self, FileError> {
        let text = fs::read_to_string(path).map_err(|why| FileError::Unreadable { path: path.to_owned(), why })?;
        Self::parse(path, &text)
    }

    /// Reads a text that stands in a file.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let path = path.to_owned();
        let document = match serde_yaml_ng::from_str(text) {
            Ok(document) => document,
            Err(why) => return Err(FileError::NotYaml { path, why: without_values(&why, text) }),
        };
        let mut values = BTreeMap::new();
        match flatten(String::new(), document, &mut values) {
            Ok(()) => Ok(Self { path, values }),
            Err(fault) => Err(FileError::Structure { path, fault }),
        }
    }

    /// The names that stand in the file.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The setting's value, under its own name or else the first alias that is there. Others that differ from it are
    /// noted.
    pub(crate) fn find(&self, setting: &Setting, warnings: &mut Vec<String>) -> Option<(Value, Origin)> {
        let names = std::iter::once(setting.key).chain(setting.aliases.iter().copied());
        let mut present = names.filter_map(|name| Some((name, self.values.get(name)?)));
        let (name, value) = present.next()?;
        for (other, _) in present.filter(|(_, other)| text_of(other) != text_of(value)) {
            warnings.push(format!(
                "{}: {name} and {other} are the same setting and differ; {name} counts",
                self.path.display()
            ));
        }
        Some((value.clone(), Origin::File(self.path.clone(), name)))
    }
}

fn flatten(prefix: String, value: Value, values: &mut BTreeMap<String, Value>) -> Result<(), Fault> {
    match value {
        // A section with nothing in it, or with every line commented out.
        Value::Null => Ok(()),
        Value::Mapping(members) => {
            for (name, value) in members {
                let fault = || Fault { key: prefix.clone(), why: "has a name that is no text".into(), origin: None };
                let name = text_of(&name).ok_or_else(fault)?;
                let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
                flatten(key, value, values)?;
            }
            Ok(())
        }
        _ if prefix.is_empty() => {
            Err(Fault { key: "the document".into(), why: "must consist of names and values".into(), origin: None })
        }
        value => match values.insert(prefix.clone(), value) {
            None => Ok(()),
            Some(_) => Err(Fault { key: prefix, why: "is set twice".into(), origin: None }),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(yaml: &str) -> Result<Vec<String>, String> {
        let file = ConfigFile::parse(Path::new("f.yml"), yaml).map_err(|error| error.to_string())?;
        Ok(file.keys().map(str::to_owned).collect())
    }

    #[test]
    fn names_may_be_nested_or_dotted() {
        let yaml = "a:\n  b:\n    c: 1\n    d: [1, 2]\n  e:\nf.g: x\n";
        assert_eq!(keys(yaml).unwrap(), ["a.b.c", "a.b.d", "f.g"]);
        assert_eq!(keys("# nothing\n").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_file_that_is_no_configuration_says_where() {
        assert_eq!(keys("a: {b: 1}\na.b: 2").unwrap_err(), "f.yml: a.b is set twice");
        assert_eq!(keys("- 1").unwrap_err(), "f.yml: the document must consist of names and values");
        assert_eq!(keys("a: {[1]: 2}").unwrap_err(), "f.yml: a has a name that is no text");
        assert!(keys("a: {").unwrap_err().starts_with("f.yml is not valid YAML: "));
        assert!(keys("a: 1\na: 2").unwrap_err().starts_with("f.yml is not valid YAML: "));
    }

    #[test]
    fn a_number_that_is_too_large_is_told_by_its_name() {
        let told = keys("security:\n  claim:\n    duration: 99999999999999999999\n").unwrap_err();
        assert!(told.contains("the value of duration at line 3") && !told.contains("999"), "{told}");
    }

    /// A value may be a secret.
    #[test]
    fn no_fault_repeats_a_value() {
        for tag in ["!!int", "!!float", "!!bool", "!!null"] {
            let told = keys(&format!("mail:\n  password: {tag} HUNTER2")).unwrap_err();
            assert!(told.contains("does not fit its tag") && !told.contains("HUNTER2"), "{told}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-c:{}\\[\\],&*!|>'\"# \n\t-]{0,80}|\\PC{0,40}") {
            let _ = keys(&text);
        }

        #[test]
        fn what_stands_in_it_is_found(values in prop::collection::btree_map("[a-z]{1,6}", "[a-z0-9]{1,8}", 0..8)) {
            let yaml: String = values.iter().map(|(name, value)| format!("s.{name}: \"{value}\"\n")).collect();
            let expected: Vec<String> = values.keys().map(|name| format!("s.{name}")).collect();
            prop_assert_eq!(keys(&yaml).unwrap(), expected);
        }
    }
}
