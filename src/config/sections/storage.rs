//! Where everything is kept.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde_yaml_ng::Value;
use zeroize::Zeroizing;

use crate::config::{
    kind::{Directory, Kind, Optional, Text, Whole},
    setting::section,
};

/// The database in the data directory, if no other is configured.
pub(crate) const DATABASE_FILE: &str = "deed.db";

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
        /// The database: `sqlite:<path>`, or `postgres://<user>:<password>@<host>:<port>/<database>` for one or several
        /// nodes on a PostgreSQL server (13 or later), to whose end parameters of libpq go, such as
        /// `?sslmode=verify-full&sslrootcert=<file>`. Also `--database`; a password is better set here or in the
        /// environment, as other users of the machine see command lines.
        database: Option<DatabaseUrl> = Optional(Database) => {
            key: "database",
            variable: "DEED_DATABASE",
            default: "" = "`deed.db` in the data directory",
        }
        /// Most connections of a node to a PostgreSQL server, besides the one that writes. SQLite does not need it.
        database_connections: usize = Whole::between(1, 1_000) => {
            key: "databaseConnections",
            variable: "DEED_DATABASE_CONNECTIONS",
            default: "16",
        }
    }
}

impl StorageSettings {
    /// The database's file, where it is one.
    pub(crate) fn database_file(&self) -> PathBuf {
        match &self.database {
            Some(DatabaseUrl::Sqlite(path)) => path.clone(),
            Some(DatabaseUrl::Postgres(_)) | None => self.data_dir.join(DATABASE_FILE),
        }
    }

    /// The database's file, if it does not stand under the data directory's lock.
    pub(crate) fn database_elsewhere(&self) -> Option<&Path> {
        match &self.database {
            Some(DatabaseUrl::Sqlite(path)) => Some(path),
            Some(DatabaseUrl::Postgres(_)) | None => None,
        }
    }

    /// Where it is kept, if that is a server, which several nodes may share.
    pub(crate) const fn server(&self) -> Option<&ServerUrl> {
        match &self.database {
            Some(DatabaseUrl::Postgres(url)) => Some(url),
            Some(DatabaseUrl::Sqlite(_)) | None => None,
        }
    }

    /// Whether it is kept on one.
    pub(crate) const fn is_on_a_server(&self) -> bool {
        self.server().is_some()
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
    /// A database on a PostgreSQL server.
    Postgres(ServerUrl),
}

/// The address of a database on a server. It may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl(Zeroizing<String>);

impl ServerUrl {
    /// All of it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Host and database, if it is plain which part they are.
    fn place(&self) -> Option<&str> {
        let (_, rest) = self.0.split_once("://")?;
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let place = place.split_once('@').map_or(place, |(_, place)| place);
        let (hosts, database) = place.split_once('/')?;
        let is_plain = !parameters.contains('@') && hosts.split(',').all(is_host) && is_name(database);
        is_plain.then_some(place)
    }

    /// What may be wrong with an address that cannot be used, as the end of a sentence.
    pub(crate) fn advice(&self) -> &'static str {
        match self.place() {
            Some(_) => "",
            None => {
                " (an address is postgres://<user>:<password>@<host>:<port>/<database>; in user and password, whatever is neither a \
                 letter nor a digit is percent-encoded: @ is %40, / is %2F, ? is %3F)"
            }
        }
    }
}

/// A name, an address, or the percent-encoded directory of a socket; with a port, or without.
fn is_host(text: &str) -> bool {
    let (host, rest) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some(parts) => parts,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_port = |rest: &str| rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    is_name(host) && (rest.is_empty() || is_port(rest))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_.:%".contains(c))
}

/// Host and database alone; neither where they are not plain: a password may be anywhere then.
impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}", self.place().unwrap_or("…"))
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({self})")
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    /// The text is not repeated in the fault: URLs of databases carry passwords.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(ServerUrl(Zeroizing::new(text.to_owned()))));
        }
        let path = text.strip_prefix("sqlite:").ok_or_else(|| format!("must be {}", Database.name()))?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(':') || path.contains('?') || path.ends_with('/') {
            return Err("must name a file: `sqlite:<path>`".into());
        }
        Ok(Self::Sqlite(Path::new(path).to_owned()))
    }
}

struct Database;

impl Kind for Database {
    type Value = DatabaseUrl;

    fn name(&self) -> String {
        "`sqlite:<path>` or `postgres://<user>@<host>/<database>`".into()
    }

    fn parse(&self, value: &Value) -> Result<DatabaseUrl, String> {
        Zeroizing::new(Text.parse(value)?).parse()
    }

    fn show(&self, value: &DatabaseUrl) -> String {
        match value {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.to_string(),
        }
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
        for text in ["", "a.db", "sqlite:", "sqlite::memory:", "sqlite:a.db?mode=ro", "mysql://u:hunter2@h/d"] {
            let fault = Database.parse(&text.into()).unwrap_err();
            assert!(!fault.contains("hunter2"), "{fault}");
        }
    }

    #[test]
    fn of_a_server_nobody_is_shown_the_password() {
        for text in ["postgres://u:hunter2@h:5433/d?connect_timeout=3", "postgresql://h:5433/d?user=u&password=hunter2"]
        {
            let url = Database.parse(&text.into()).unwrap();
            assert!(matches!(&url, DatabaseUrl::Postgres(url) if url.expose() == text), "{text}");
            assert_eq!(Database.show(&url), "postgres://h:5433/d");
            assert!(!format!("{url:?}").contains("hunter2"));
        }
        for (text, place) in
            [("[::1]:5433/d", "[::1]:5433/d"), ("u@a:1,b/d", "a:1,b/d"), ("%2Frun%2Fpg/d", "%2Frun%2Fpg/d")]
        {
            assert_eq!(
                Database.show(&Database.parse(&format!("postgres://{text}").into()).unwrap()),
                format!("postgres://{place}")
            );
        }
        for text in [
            "u:hunter2?@h/d",
            "h/d?user=u@h&password=hunter2",
            "u:a@hunter2@h/d",
            "u:hunter2",
            "u:hunter2/d",
            "hunter2",
            "u:@hunter2",
            "u:1/hunter2/h/d",
            "u:hunter2#@h:x/d",
            "[hunter2/d",
            "/hunter2",
            "hunter2/",
        ] {
            let url = Database.parse(&format!("postgres://{text}").into()).unwrap();
            assert_eq!(
                (Database.show(&url), format!("{url:?}")),
                ("postgres://…".into(), "Postgres(ServerUrl(postgres://…))".into()),
                "{text}"
            );
        }
    }
}
