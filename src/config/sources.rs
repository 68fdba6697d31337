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

impl Sources {
    /// The setting's value from the first source that has it; `None` if it cannot be used, which is noted.
    pub(crate) fn read<K: Kind>(&mut self, setting: &Setting, kind: &K) -> Option<K::Value> {
        let (found, origin) = self.find(setting);
        let fault = |why| Fault { key: setting.key.into(), why, origin: Some(origin.clone()) };
        let value = match found.and_then(|value| self.expanded(value)) {
            Ok(value) => value,
            Err(why) => {
                self.faults.push(fault(why));
                return None;
            }
        };
        match kind.parse(&value) {
            Ok(parsed) => {
                let is_set = text_of(&value).is_none_or(|text| !text.is_empty());
                let value = (is_set && !setting.secret).then(|| kind.show(&parsed));
                let is_hidden = is_set && setting.secret;
                self.effective.push(Effective { key: setting.key, value, is_hidden, origin });
                Some(parsed)
            }
            Err(why) => {
                self.faults.push(fault(why));
                None
            }
        }
    }

    fn find(&mut self, setting: &Setting) -> (Result<Value, String>, Origin) {
        if let Some((_, text)) = self.command_line.iter().find(|(key, _)| *key == setting.key) {
            return (Ok(text.as_str().into()), Origin::CommandLine);
        }
        if let Some(text) = self.environment.get(setting.variable) {
            return (text.map(Value::from), Origin::Environment(setting.variable));
        }
        let file = self.file.as_ref().and_then(|file| file.find(setting, &mut self.warnings));
        let file = file.or_else(|| self.secrets.as_ref()?.find(setting, &mut self.warnings));
        if let Some((value, origin)) = file {
            return (Ok(value), origin);
        }
        let special = self.special_defaults.iter().find(|(key, _)| *key == setting.key);
        let default = special.map_or(setting.default, |(_, default)| default);
        (Ok(default.into()), Origin::Default)
    }

    /// The value with the environment put in for `${NAME:default}`, as files written for ThingsBoard have it.
    fn expanded(&self, value: Value) -> Result<Value, String> {
        match value {
            Value::String(text) => self.environment.expand(&text).map(Value::String),
            other => Ok(other),
        }
    }
}
