//! How a command ends: what is said, and which status tells it. The numbers follow BSD's `sysexits`.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use deed_adapters::{RebuildError, copy::CopyError, postgres, sqlite};
use deed_domain::ports::StoreError;
use deed_projections::Undecodable;

use super::import::Unlabelled;
use crate::{
    config::{ConfigError, SecretsError, ServerUrl},
    data_dir::DataDirError,
    demo::SeedError,
    label_font::LabelFontError,
    tls_files::TlsFilesError,
    wiring::WiringError,
};

/// Done.
pub(super) const DONE: u8 = 0;
/// Failed in a way that has no status of its own.
pub(super) const FAILED: u8 = 1;
/// The command line or the configuration cannot be used.
pub(super) const USAGE: u8 = 64;
const DAMAGED: u8 = 65;
const NO_INPUT: u8 = 66;
const UNAVAILABLE: u8 = 69;
const NO_DATA_DIR: u8 = 73;
/// The output cannot be written.
pub(super) const NO_OUTPUT: u8 = 74;

/// Why a command did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// An argument cannot be used.
    #[error("{0}")]
    Usage(String),
    /// The configuration cannot be used.
    #[error("the configuration cannot be used:\n{0}")]
    Config(#[from] ConfigError),
    /// There are no secrets to start with.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The database cannot be opened.
    #[error("{}: {why}", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// Why.
        why: sqlite::OpenError,
    },
    /// The database server cannot be used.
    #[error("{url}: {why}{}", url.advice())]
    OpenServer {
        /// The database.
        url: ServerUrl,
        /// Why.
        why: postgres::OpenError,
    },
    /// The database cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event cannot be read.
    #[error(transparent)]
    Event(#[from] Undecodable),
    /// A read model was not rebuilt.
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    /// An installation was not copied, or not to its end.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The stored data is not as it should be; what is wrong has been told.
    #[error("the stored data is damaged")]
    Damaged,
    /// The parts do not fit together.
    #[error(transparent)]
    Wiring(#[from] WiringError),
    /// The demo's devices and people could not be made.
    #[error("the demo could not be prepared: {0}")]
    Seed(#[from] SeedError),
    /// The font of labels cannot be used.
    #[error(transparent)]
    LabelFont(#[from] LabelFontError),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFilesError),
    /// The port cannot be opened.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        why: io::Error,
    },
    /// The input cannot be read, or as a whole makes no sense.
    #[error("{}: {why}", path.display())]
    Input {
        /// The input.
        path: PathBuf,
        /// Why, without anything of what it holds.
        why: String,
    },
    /// Some lines of the input came to nothing; each has been told.
    #[error("{failed} of {total} lines were not imported")]
    Lines {
        /// How many.
        failed: usize,
        /// Of how many.
        total: usize,
    },
    /// Some devices got no label; each has been told.
    #[error("{failed} of {total} labels were not printed")]
    Unprinted {
        /// How many.
        failed: usize,
        /// Of how many.
        total: usize,
    },
    /// A label cannot be written, or none.
    #[error("the labels cannot be written: {why}{}", told(unlabelled))]
    Labels {
        /// Why.
        why: io::Error,
        /// Devices that were made, and whose labels did not get there.
        unlabelled: Unlabelled,
    },
    /// There is nothing of that name.
    #[error("{0}")]
    NotFound(String),
    /// The system does not give what is needed.
    #[error("{0}")]
    System(String),
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

fn told(unlabelled: &Unlabelled) -> String {
    match unlabelled.count() {
        0 => "; no device was made".to_owned(),
        count => format!("\n{count} devices were made that {unlabelled}"),
    }
}

impl CliError {
    /// Says what is wrong, and gives the status.
    pub(super) fn report(&self) -> ExitCode {
        // There is nobody else to tell.
        let _ = writeln!(io::stderr(), "deed: {self}");
        ExitCode::from(self.status())
    }

    fn status(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::Config(_)
            | Self::Secrets(
                SecretsError::PepperLost { .. }
                | SecretsError::OtherPepper { .. }
                | SecretsError::ChangedPepper { .. }
                | SecretsError::UnknownPepper { .. }
                | SecretsError::NotConfigured { .. },
            )
            | Self::Wiring(_)
            | Self::LabelFont(_)
            | Self::Tls(_)
            | Self::Rebuild(RebuildError::Unknown(_)) => USAGE,
            Self::Secrets(SecretsError::Unwritable { .. })
            | Self::DataDir(_)
            | Self::Copy(CopyError::NotEmpty | CopyError::OtherSource) => NO_DATA_DIR,
            Self::OpenServer { why, .. } | Self::Copy(CopyError::Target(why)) => of_server(why),
            Self::Open { why, .. } | Self::Copy(CopyError::Source(why)) if why.is_damage() => DAMAGED,
            Self::Store(StoreError::Damaged { .. } | StoreError::Corrupt(_))
            | Self::Copy(
                CopyError::Store(StoreError::Damaged { .. } | StoreError::Corrupt(_))
                | CopyError::SourceChanged
                | CopyError::RowRefused { .. }
                | CopyError::Differs { .. }
                | CopyError::SourceFaults(_)
                | CopyError::Faults(_),
            )
            | Self::Rebuild(RebuildError::Store(StoreError::Damaged { .. } | StoreError::Corrupt(_)))
            | Self::Event(_)
            | Self::Damaged => DAMAGED,
            Self::Open { .. }
            | Self::Store(StoreError::Unavailable(_))
            | Self::Copy(CopyError::Source(_) | CopyError::UnderWay | CopyError::Store(StoreError::Unavailable(_)))
            | Self::Rebuild(RebuildError::Store(StoreError::Unavailable(_)))
            | Self::Listen { .. } => UNAVAILABLE,
            Self::Input { .. } => NO_INPUT,
            Self::Labels { .. } | Self::Output(_) => NO_OUTPUT,
            Self::Seed(_) | Self::Lines { .. } | Self::Unprinted { .. } | Self::NotFound(_) | Self::System(_) => FAILED,
        }
    }
}

fn of_server(why: &postgres::OpenError) -> u8 {
    match why {
        postgres::OpenError::Url(_) | postgres::OpenError::Encoding(_) => USAGE,
        why if why.is_damage() => DAMAGED,
        _ => UNAVAILABLE,
    }
}
