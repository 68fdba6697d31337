//! The data directory: who may use it, and whose it is.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

const LOCK: &str = "lock";
const DEMO: &str = "demo";

/// A data directory that is this process's alone, until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    is_demo: bool,
    // Held as long as the file is open.
    _lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// It cannot be made, read or written.
    #[error("{} cannot be used: {why}", path.display())]
    Unusable {
        /// The directory, or the database.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// Another process uses it.
    #[error("{} is in use by {holder}", path.display())]
    Locked {
        /// The directory, or the database.
        path: PathBuf,
        /// Who says to use it.
        holder: String,
    },
    /// It holds something, and no demo.
    #[error("the data directory {} is not a demo's; --demo takes a new one, or one that it has made", path.display())]
    NotADemo {
        /// The directory.
        path: PathBuf,
    },
}

impl DataDir {
    /// Takes the directory for this process, which is doing `work`; makes it if it is not there.
    ///
    /// # Errors
    /// [`DataDirError`].
    pub(crate) fn open(path: &Path, work: &str) -> Result<Self, DataDirError> {
        let unusable = |why| DataDirError::Unusable { path: path.to_owned(), why };
        create_private(path).map_err(unusable)?;
        let lock = lock(path, &path.join(LOCK), work)?;
        let is_demo = path.join(DEMO).exists();
        Ok(Self { path: path.to_owned(), is_demo, _lock: lock })
    }

    /// As [`DataDir::open`], for a demo: only a directory that is new, or was made for a demo.
    ///
    /// # Errors
    /// [`DataDirError`].
    pub(crate) fn open_demo(path: &Path, work: &str) -> Result<Self, DataDirError> {
        let unusable = |why| DataDirError::Unusable { path: path.to_owned(), why };
        if !path.join(DEMO).exists() && !is_empty(path).map_err(unusable)? {
            return Err(DataDirError::NotADemo { path: path.to_owned() });
        }
        Ok(Self { is_demo: true, ..Self::open(path, work)? })
    }

    /// Makes it a demo's, if it is to be one and is not yet.
    ///
    /// # Errors
    /// [`DataDirError::Unusable`].
    pub(crate) fn settle(&self) -> Result<(), DataDirError> {
        let mark = self.path.join(DEMO);
        if self.is_demo && !mark.exists() { fs::write(mark, "").map_err(|why| self.unusable(why)) } else { Ok(()) }
    }

    fn unusable(&self, why: io::Error) -> DataDirError {
        DataDirError::Unusable { path: self.path.clone(), why }
    }
}

/// A database outside the data directory, for this process alone as long as the file is open: another process may have
/// another data directory and the same database.
///
/// # Errors
/// [`DataDirError`].
pub(crate) fn lock_database(path: &Path, work: &str) -> Result<File, DataDirError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    lock(path, Path::new(&beside), work)
}

/// Locks what stands at the path by means of a file, and writes down who did.
fn lock(path: &Path, file: &Path, work: &str) -> Result<File, DataDirError> {
    let unusable = |why| DataDirError::Unusable { path: path.to_owned(), why };
    let mut lock = File::options().read(true).write(true).create(true).truncate(false).open(file).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The holder may be about to write it.
            let _ = lock.read_to_string(&mut holder);
            let holder = holder.trim();
            let holder = if holder.is_empty() { "another process" } else { holder }.to_owned();
            return Err(DataDirError::Locked { path: path.to_owned(), holder });
        }
        Err(TryLockError::Error(why)) => return Err(unusable(why)),
    }
    lock.set_len(0)
        .and_then(|()| lock.rewind())
        .and_then(|()| writeln!(lock, "process {} (deed {work})", std::process::id()))
        .map_err(unusable)?;
    Ok(lock)
}

/// Makes the directory, which is nobody else's to read.
fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whether nothing is there, but for a lock that somebody took in vain.
fn is_empty(path: &Path) -> io::Result<bool> {
    match fs::read_dir(path) {
        Ok(entries) => {
            let names: Vec<_> = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
            Ok(names.iter().all(|name| name == LOCK))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_and_the_other_is_told_who() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        let first = DataDir::open(&path, "serve").unwrap();
        let refused = DataDir::open(&path, "rebuild").unwrap_err();
        let holder = format!("process {} (deed serve)", std::process::id());
        assert!(matches!(refused, DataDirError::Locked { holder: held_by, .. } if held_by == holder));
        drop(first);
        DataDir::open(&path, "rebuild").unwrap();
    }

    #[test]
    fn a_database_elsewhere_is_one_process_s_too() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("d.db");
        let first = lock_database(&database, "serve").unwrap();
        let refused = lock_database(&database, "rebuild").unwrap_err().to_string();
        assert!(refused.contains("d.db is in use by") && refused.contains("deed serve"), "{refused}");
        drop(first);
        lock_database(&database, "rebuild").unwrap();
    }

    #[test]
    fn a_demo_takes_only_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let (new, used) = (directory.path().join("new"), directory.path().join("used"));
        fs::create_dir(&used).unwrap();
        fs::write(used.join("deed.db"), "").unwrap();
        assert!(matches!(DataDir::open_demo(&used, "serve"), Err(DataDirError::NotADemo { .. })));
        drop(DataDir::open(&used, "serve").unwrap());

        DataDir::open_demo(&new, "serve").unwrap().settle().unwrap();
        fs::write(new.join("deed.db"), "").unwrap();
        drop(DataDir::open_demo(&new, "serve").unwrap());
    }

    #[test]
    fn a_file_is_no_directory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(DataDir::open(file.path(), "serve"), Err(DataDirError::Unusable { .. })));
    }
}
