//! Where settings come from, and which source wins: command line, environment, file, `secrets.yml`, default.

use std::{fmt, path::PathBuf};

use serde_yaml_ng::Value;

use super::{
    environment::Environment,
    file::ConfigFile,
    kind::{Kind, text_of},
    setting::Setting,
};

/// Every source of settings, and what reading them brought to light.
#[derive(Debug)]
pub(crate) struct Sources {
    /// What the command line sets, by the setting's name.
    pub(crate) command_line: Vec<(&'static str, String)>,
    /// The environment.
    pub(crate) environment: Environment,
    /// The file that the operator wrote.
    pub(crate) file: Option<ConfigFile>,
    /// The file of the secrets that the service made for itself.
    pub(crate) secrets: Option<ConfigFile>,
    /// Defaults of this start that stand in for a setting's own.
    pub(crate) special_defaults: &'static [(&'static str, &'static str)],
    /// What is in effect, in the order of reading.
    pub(crate) effective: Vec<Effective>,
    /// What is wrong.
    pub(crate) faults: Vec<Fault>,
    /// What is doubtful.
    pub(crate) warnings: Vec<String>,
}

/// A setting as it is in effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effective {
    /// Its dotted name.
    pub(crate) key: &'static str,
    /// Its value; `None` of a secret, and of what is not set.
    pub(crate) value: Option<String>,
    /// Whether it is a secret that is set.
    pub(crate) is_hidden: bool,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    CommandLine,
    /// The environment variable of that name.
    Environment(&'static str),
    /// A file, and the name that the setting has there.
    File(PathBuf, &'static str),
    /// A file, where the name is plain.
    InFile(PathBuf),
    /// Nothing set it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::Environment(variable) => write!(f, "environment variable {variable}"),
            Self::File(path, key) => write!(f, "{key} in {}", path.display()),
            Self::InFile(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting that cannot be used. Never shows a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The setting's name, as it was written.
    pub(crate) key: String,
    /// What is wrong, as the end of a sentence that begins with the name.
    pub(crate) why: String,
    /// Where it comes from, where that is not plain already.
    pub(crate) origin: Option<Origin>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.why)?;
        self.origin.as_ref().map_or(Ok(()), |origin| write!(f, " ({origin})"))
    }
}

/// What a source says, or why it cannot be read, and which source it is.
type Candidate = (Result<Value, String>, Origin);

impl Sources {
    /// The setting's value from the first source that has it; `None` if it cannot be used, which is noted. What other
    /// sources say has to be usable too, although it does not count: it would, once the first one is gone.
    pub(crate) fn read<K: Kind>(&mut self, setting: &Setting, kind: &K) -> Option<K::Value> {
        let mut candidates = self.candidates(setting).into_iter();
        let first = candidates.next()?;
        let in_effect = self.parse(setting, kind, first);
        for overridden in candidates {
            self.parse(setting, kind, overridden);
        }
        let (parsed, value, origin) = in_effect?;
        let is_set = text_of(&value).is_none_or(|text| !text.is_empty());
        let value = (is_set && !setting.secret).then(|| kind.show(&parsed));
        let is_hidden = is_set && setting.secret;
        self.effective.push(Effective { key: setting.key, value, is_hidden, origin });
        Some(parsed)
    }

    /// The value in both forms; a fault is noted.
    fn parse<K: Kind>(
        &mut self,
        setting: &Setting,
        kind: &K,
        (found, origin): Candidate,
    ) -> Option<(K::Value, Value, Origin)> {
        let parsed = found
            .and_then(|value| self.expanded(value))
            .and_then(|value| kind.parse(&value).map(|parsed| (parsed, value)));
        match parsed {
            Ok((parsed, value)) => Some((parsed, value, origin)),
            Err(why) => {
                self.faults.push(Fault { key: setting.key.into(), why, origin: Some(origin) });
                None
            }
        }
    }

    /// What the sources say, the one that counts first; the default only if nobody says anything.
    fn candidates(&mut self, setting: &Setting) -> Vec<Candidate> {
        let mut all = Vec::new();
        if let Some((_, text)) = self.command_line.iter().find(|(key, _)| *key == setting.key) {
            all.push((Ok(text.as_str().into()), Origin::CommandLine));
        }
        if let Some(text) = self.environment.get(setting.variable) {
            all.push((text.map(Value::from), Origin::Environment(setting.variable)));
        }
        for file in [&self.file, &self.secrets].into_iter().flatten() {
            let found = file.find(setting, &mut self.warnings);
            all.extend(found.map(|(value, origin)| (Ok(value), origin)));
        }
        if all.is_empty() {
            let special = self.special_defaults.iter().find(|(key, _)| *key == setting.key);
            let default = special.map_or(setting.default, |(_, default)| default);
            all.push((Ok(default.into()), Origin::Default));
        }
        all
    }

    /// The value with the environment put in for `${NAME:default}`, as files written for ThingsBoard have it.
    fn expanded(&self, value: Value) -> Result<Value, String> {
        match value {
            Value::String(text) => self.environment.expand(&text).map(Value::String),
            other => Ok(other),
        }
    }
}
