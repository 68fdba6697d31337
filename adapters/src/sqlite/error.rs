//! What can go wrong with the file.

use deed_domain::ports::StoreError;
use rusqlite::ErrorCode;

/// A failure inside a transaction or a read.
#[derive(Debug)]
pub(in crate::sqlite) enum SqlError {
    /// SQLite could not do it.
    Sqlite(rusqlite::Error),
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

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Sqlite(error) if is_damage(&error) => Self::Corrupt(error.to_string()),
            SqlError::Sqlite(error) => Self::Unavailable(error.to_string()),
            SqlError::Damaged { table, column, row, why } => Self::Damaged { table, column, row, why },
        }
    }
}

/// Whether what was to be written contradicts what is stored: everything that may be taken is looked at before, so this is
/// damage, or a defect.
pub(in crate::sqlite) fn is_contradiction(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ConstraintViolation))
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// Why a database file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite cannot open or read it.
    #[error("cannot open the database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A newer version of deed has written it.
    #[error("the database has schema version {found}; this version of deed knows {known}")]
    TooNew {
        /// The file's schema version.
        found: u32,
        /// The latest that this version knows.
        known: u32,
    },
    /// An older version of deed has written it, and it is there to be read.
    #[error(
        "the database has schema version {found} of an older deed: the next start of the service makes it version {known}"
    )]
    TooOld {
        /// The file's schema version.
        found: u32,
        /// The one that this version reads.
        known: u32,
    },
    /// It is there to be read, and has never been written.
    #[error("there is no database yet")]
    Missing,
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

impl OpenError {
    /// Whether the file is there and what it holds cannot be used.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Sqlite(error) => is_damage(error),
            Self::TooNew { .. } | Self::LostEvents { .. } | Self::Damaged(_) => true,
            Self::TooOld { .. } | Self::Missing | Self::Thread(_) => false,
        }
    }
}
