//! What can go wrong with the server.

use deadpool_postgres::PoolError;
use deed_domain::ports::StoreError;
use tokio_postgres::error::SqlState;

/// A failure inside a transaction or a read.
#[derive(Debug)]
pub(in crate::postgres) enum SqlError {
    /// The server, or the way to it, failed.
    Postgres(tokio_postgres::Error),
    /// There is no connection.
    NotConnected(String),
    /// A newer version of deed has changed the database, and this one cannot work with it any more.
    Superseded,
    /// What is stored cannot be read.
    Damaged {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong, without the value.
        why: String,
    },
}

impl SqlError {
    /// Whether what was to be written contradicts what is stored, or cannot be stored at all: everything that may be taken
    /// is looked at before, so this is damage, or a defect.
    pub(in crate::postgres) fn is_contradiction(&self) -> bool {
        matches!(self, Self::Postgres(error) if is_contradiction(error))
    }

    /// Whether the same transaction may succeed if it is tried again at once: it met another, or was given up because the
    /// server heard nothing for too long.
    pub(in crate::postgres) fn is_passing(&self) -> bool {
        let passing = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ];
        self.code().is_some_and(|code| passing.contains(code))
    }

    /// Whether the connection was lost, which may be there again at once.
    pub(in crate::postgres) fn is_lost(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.is_closed()) || self.code().is_some_and(is_end_of_connection)
    }

    /// Whether the server has said that it did not do what it was asked to.
    pub(in crate::postgres) fn is_answer(&self) -> bool {
        self.code().is_some_and(|code| !is_end_of_connection(code))
    }

    /// Whether it only says that the transaction had failed before.
    pub(in crate::postgres) fn is_aftermath(&self) -> bool {
        self.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION)
    }

    /// Whether a value was sent that is none of a text of the database.
    pub(in crate::postgres) fn is_unlike_any_text(&self) -> bool {
        self.code() == Some(&SqlState::CHARACTER_NOT_IN_REPERTOIRE)
    }

    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) => error.code(),
            Self::NotConnected(_) | Self::Superseded | Self::Damaged { .. } => None,
        }
    }
}

impl From<tokio_postgres::Error> for SqlError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<PoolError> for SqlError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::NotConnected(told(&error)),
            other => Self::NotConnected(other.to_string()),
        }
    }
}

impl From<&SqlError> for StoreError {
    fn from(error: &SqlError) -> Self {
        match error {
            SqlError::Postgres(error) if is_damage(error) => Self::Corrupt(told(error)),
            SqlError::Postgres(error) => Self::Unavailable(told(error)),
            SqlError::NotConnected(why) => Self::Unavailable(why.clone()),
            SqlError::Superseded => Self::Unavailable(
                "a newer version of deed has changed the database; this one cannot write to it any more".to_owned(),
            ),
            SqlError::Damaged { table, column, row, why } => {
                Self::Damaged { table, column, row: row.clone(), why: why.clone() }
            }
        }
    }
}

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        Self::from(&error)
    }
}

/// What the server said. Its details are left out: they quote values, and a value may be a token.
pub(in crate::postgres) fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} (SQLSTATE {})", said.message(), said.code().code()),
        None => {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            format!("{error}{}", cause.unwrap_or_default())
        }
    }
}

/// The same of what the server said.
pub(in crate::postgres) fn is_contradiction(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| ["22", "23"].iter().any(|class| code.code().starts_with(class)))
}

/// Said by a server that goes, which may have done what it was asked to before.
fn is_end_of_connection(code: &SqlState) -> bool {
    code.code().starts_with("08") || code.code().starts_with("57P")
}

fn is_damage(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED].contains(code))
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address cannot be read, or asks for what is not supported.
    #[error("database: {0}")]
    Url(String),
    /// The server cannot be reached, or refuses.
    #[error("cannot open the database: {0}")]
    Unavailable(String),
    /// It cannot hold every text.
    #[error(
        "the database has the encoding {0}, and deed needs UTF8: make one with `createdb --encoding=UTF8 --template=template0`"
    )]
    Encoding(String),
    /// A newer version of deed has made it, and changed more than this version can work beside.
    #[error(
        "the database has schema version {found}, for versions of deed that know version {needs}; this one knows {known}"
    )]
    TooNew {
        /// The database's schema version.
        found: i32,
        /// Which version has to be known.
        needs: i32,
        /// The latest that this version of deed knows.
        known: i32,
    },
    /// An older version of deed has made it.
    #[error("the database has schema version {found}, and this version of deed needs {known}: run `deed migrate`")]
    TooOld {
        /// The database's schema version.
        found: i32,
        /// The one that is needed.
        known: i32,
    },
    /// A read model is not as this version of deed fills it.
    #[error("the read model {name} is not of version {version}, which this version of deed needs: run `deed migrate`")]
    OldReadModel {
        /// The read model.
        name: &'static str,
        /// The version of its projection that is needed.
        version: u32,
    },
    /// A read model is of a newer version of deed.
    #[error("the read model {name} is of version {version}; this version of deed does not know it")]
    NewReadModel {
        /// The read model.
        name: String,
        /// The version of its projection.
        version: u32,
    },
    /// A table that has to be changed is being used all the time.
    #[error("a table that has to be changed is being used; try again when less happens")]
    InUse,
    /// It is there to be read, and has never been written.
    #[error("there is no database of deed yet")]
    Missing,
    /// A copy to it was begun, and has not come to its end.
    #[error("the database is the beginning of a copy: `deed copy` goes on with it, and it is served when that is done")]
    UnfinishedCopy,
    /// The log ends before the read models do.
    #[error(
        "events were lost: the log ends at position {head}, and read models have seen position {seen}; restore a backup"
    )]
    LostEvents {
        /// Where the log ends.
        head: i64,
        /// How far the read models have come.
        seen: i64,
    },
    /// What it holds cannot be read.
    #[error("{0}")]
    Damaged(StoreError),
    /// The system gives no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl From<SqlError> for OpenError {
    fn from(error: SqlError) -> Self {
        match StoreError::from(error) {
            StoreError::Unavailable(why) => Self::Unavailable(why),
            damaged @ (StoreError::Corrupt(_) | StoreError::Damaged { .. }) => Self::Damaged(damaged),
        }
    }
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> Self {
        SqlError::from(error).into()
    }
}

impl OpenError {
    /// Whether the database is there and what it holds cannot be used.
    pub const fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::TooNew { .. }
                | Self::TooOld { .. }
                | Self::OldReadModel { .. }
                | Self::NewReadModel { .. }
                | Self::LostEvents { .. }
                | Self::Damaged(_)
        )
    }
}
