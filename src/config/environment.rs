//! The environment, read once.

use std::{collections::BTreeMap, ffi::OsString};

/// Environment variables by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Those of this process. Names that are no UTF-8 are left out, as no setting has such a name.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub(crate) fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect())
    }

    /// The variable, unless it is missing or empty.
    pub(crate) fn get(&self, name: &str) -> Option<Result<String, String>> {
        let value = self.0.get(name).filter(|value| !value.is_empty())?;
        Some(value.to_str().map(str::to_owned).ok_or_else(|| "must be UTF-8".to_owned()))
    }

    /// The names that begin so.
    pub(crate) fn names(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str).filter(move |name| name.starts_with(prefix))
    }

    /// The text with every `${NAME}` and `${NAME:default}` replaced; a default may hold further ones.
    ///
    /// # Errors
    /// Which variable is not set and has no default, or that a brace is missing.
    pub(crate) fn expand(&self, text: &str) -> Result<String, String> {
        let Some((before, rest)) = text.split_once("${") else { return Ok(text.to_owned()) };
        let end = closing_brace(rest).ok_or("has `${` without its `}`")?;
        let (name, default) = match rest[..end].split_once(':') {
            Some((name, default)) => (name, Some(default)),
            None => (&rest[..end], None),
        };
        let value = match (self.get(name), default) {
            (Some(value), _) => value?,
            (None, Some(default)) => self.expand(default)?,
            (None, None) => return Err(format!("needs the environment variable {name}, which is not set")),
        };
        Ok(format!("{before}{value}{}", self.expand(&rest[end + 1..])?))
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Where the brace closes that is open at the start.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 1;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(index);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn placeholders_are_filled_in() {
        let environment = Environment::from_iter([("PORT", "81"), ("EMPTY", "")]);
        for (text, expanded) in [
            ("80", "80"),
            ("${PORT}", "81"),
            ("${PORT:80}", "81"),
            ("${MISSING:80}", "80"),
            ("${EMPTY:80}", "80"),
            ("${MISSING:}", ""),
            ("${MISSING:${PORT:80}}", "81"),
            ("a${PORT}b${MISSING:x:y}c", "a81bx:yc"),
            ("$PORT {} }", "$PORT {} }"),
        ] {
            assert_eq!(environment.expand(text).as_deref(), Ok(expanded), "{text}");
        }
        assert!(environment.expand("${MISSING}").is_err());
        assert!(environment.expand("${PORT").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r"[${}:A-Cü]{0,40}") {
            let _ = Environment::from_iter([("A", "1")]).expand(&text);
        }
    }
}
