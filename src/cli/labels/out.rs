//! Where printed labels go.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    path::Path,
};

use super::super::{exit::CliError, import};

/// A new file, a pipe, or the standard output.
pub(super) enum Out {
    Standard(io::Stdout),
    File(File),
}

impl Out {
    /// Makes the file, for nobody but its owner. One that is there already is left alone: its keys may be nowhere else.
    ///
    /// # Errors
    /// [`CliError::Usage`] if it is there, or would be a terminal; [`CliError::Output`] if it cannot be made.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, CliError> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            let out = io::stdout();
            if out.is_terminal() {
                return Err(CliError::Usage(
                    "labels are not for a terminal; --out says which file they go to".to_owned(),
                ));
            }
            return Ok(Self::Standard(out));
        };
        if import::is_stream(path) {
            return Ok(Self::File(File::options().write(true).open(path)?));
        }
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map(Self::File).map_err(|why| match why.kind() {
            io::ErrorKind::AlreadyExists => {
                CliError::Usage(format!("{} is there already; --out needs a new file", path.display()))
            }
            _ => why.into(),
        })
    }

    /// Writes what has come about, and forgets it.
    ///
    /// # Errors
    /// [`CliError::Labels`].
    pub(super) fn write(&mut self, bytes: &mut Vec<u8>) -> Result<(), CliError> {
        let written = match self {
            Self::Standard(out) => out.write_all(bytes).and_then(|()| out.flush()),
            Self::File(file) => file.write_all(bytes),
        };
        bytes.clear();
        written.map_err(lost)
    }

    /// Waits until the disk has it.
    ///
    /// # Errors
    /// [`CliError::Labels`].
    pub(super) fn finish(self) -> Result<(), CliError> {
        match self {
            Self::File(file) if file.metadata().is_ok_and(|found| found.is_file()) => file.sync_all().map_err(lost),
            Self::Standard(_) | Self::File(_) => Ok(()),
        }
    }
}

fn lost(why: io::Error) -> CliError {
    CliError::Labels { why, unlabelled: import::Unlabelled::default() }
}
