//! Where everything is kept.

use std::path::{Path, PathBuf};

use serde_yaml_ng::Value;

use crate::config::{
    kind::{Directory, Kind, Optional, Text},
    setting::section,
};

/// The database in the data directory, if no other is configured.
const DATABASE_FILE: &str = "deed.db";

section! {
    /// Storage
    pub(crate) struct StorageSettings {
        /// The directory of the database, the secrets and the lock; made if it is not there. With `--demo` the
        /// default is `./deed-demo`. Also `--data-dir`.
        data_dir: PathBuf = Directory => {
            key: "dataDir",
            variable: "DEED_DATA_DIR",
            default: "./deed-data",
        }
        /// The database, as `sqlite:<path>`. Also `--database`.
        database: Option<DatabaseUrl> = Optional(Database) => {
            key: "database",
            variable: "DEED_DATABASE",
            default: "" = "`deed.db` in the data directory",
        }
    }
}

impl StorageSettings {
    /// The database's file.
    pub(crate) fn database_file(&self) -> PathBuf {
        match &self.database {
            Some(DatabaseUrl::Sqlite(path)) => path.clone(),
            None => self.data_dir.join(DATABASE_FILE),
        }
    }

    /// The database's file, if it does not stand under the data directory's lock.
    pub(crate) fn database_elsewhere(&self) -> Option<&Path> {
        let DatabaseUrl::Sqlite(path) = self.database.as_ref()?;
        Some(path)
    }

    /// The file of the secrets that the service made for itself.
    pub(crate) fn secrets_file(&self) -> PathBuf {
        self.data_dir.join("secrets.yml")
    }
}

/// Which database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
}

struct Database;

impl Kind for Database {
    type Value = DatabaseUrl;

    fn name(&self) -> String {
        "`sqlite:<path>`".into()
    }

    fn parse(&self, value: &Value) -> Result<DatabaseUrl, String> {
        // The text is not repeated in the fault: URLs of databases carry passwords.
        let text = Text.parse(value)?;
        let path =
            text.strip_prefix("sqlite:").ok_or("must be `sqlite:<path>`; this version keeps its data in SQLite")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(':') || path.contains('?') || path.ends_with('/') {
            return Err("must name a file: `sqlite:<path>`".into());
        }
        Ok(DatabaseUrl::Sqlite(Path::new(path).to_owned()))
    }

    fn show(&self, value: &DatabaseUrl) -> String {
        let DatabaseUrl::Sqlite(path) = value;
        format!("sqlite:{}", path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_file() {
        for text in ["sqlite:a/b.db", "sqlite://a/b.db"] {
            assert_eq!(Database.parse(&text.into()), Ok(DatabaseUrl::Sqlite("a/b.db".into())), "{text}");
        }
        assert_eq!(Database.parse(&"sqlite:///var/b.db".into()), Ok(DatabaseUrl::Sqlite("/var/b.db".into())));
        for text in ["", "a.db", "sqlite:", "sqlite::memory:", "sqlite:a.db?mode=ro", "postgres://u:hunter2@h/d"] {
            let fault = Database.parse(&text.into()).unwrap_err();
            assert!(!fault.contains("hunter2"), "{fault}");
        }
    }
}
